// The password for a new connection: a text, a file that is read each time, as passwords rotate, or a token of AWS.

import { readFile } from 'node:fs/promises'
import type { PostgresTarget } from './target'

const FILE = 'file:'
const AWS_IAM = 'aws-iam'

/** Amazon RDS User Guide, "Endpoints": NAME.ID.REGION.rds.amazonaws.com (.cn in China). */
const RDS_HOST = /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/i

/** Undefined: none is set. */
export async function passwordOf(target: PostgresTarget): Promise<string | undefined> {
  const { password } = target
  if (password === AWS_IAM) return await awsToken(target)
  if (password?.startsWith(FILE)) return (await readFile(password.slice(FILE.length), 'utf8')).trimEnd()
  return password
}

/** A token lasts for 15 minutes, and only its use at the login counts. */
async function awsToken({ host, port, user }: PostgresTarget): Promise<string> {
  const { Signer } = await rdsSigner()
  const region = RDS_HOST.exec(host)?.[1]
  return await new Signer({
    hostname: host,
    port,
    username: user,
    ...(region !== undefined && { region }),
  }).getAuthToken()
}

/** Users of aws-iam install it. */
async function rdsSigner(): Promise<typeof import('@aws-sdk/rds-signer')> {
  try {
    return await import('@aws-sdk/rds-signer')
  } catch (error) {
    throw new Error('password = aws-iam needs the package: npm install @aws-sdk/rds-signer', { cause: error })
  }
}
