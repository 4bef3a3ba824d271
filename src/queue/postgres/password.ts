// The password for a new connection: a text, a file that is read each time, as passwords rotate, or a token of AWS.

import { readFile } from 'node:fs/promises'
import { silenceNodeVersionWarning } from '../../aws-sdk'
import { errorMessage } from '../../errors'
import type { PostgresTarget } from './target'

const FILE = 'file:'
const AWS_IAM = 'aws-iam'

/** Amazon RDS User Guide, "Endpoints": NAME.ID.REGION.rds.amazonaws.com (.cn in China). */
const RDS_HOST = /\.([a-z]{2}(?:-[a-z]+)+-\d)\.rds\.amazonaws\.com(?:\.cn)?$/i

/** Undefined: none is set. */
export async function passwordOf(target: PostgresTarget): Promise<string | undefined> {
  const { password } = target
  if (password === AWS_IAM) return await awsToken(target)
  if (password?.startsWith(FILE)) return await textOf(password.slice(FILE.length))
  return password
}

async function textOf(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).trimEnd()
  } catch (error) {
    throw new Error(`password can't be read: ${errorMessage(error)}`, { cause: error })
  }
}

/** A token lasts for 15 minutes, and only its use at the login counts. */
async function awsToken({ host, port, user }: PostgresTarget): Promise<string> {
  silenceNodeVersionWarning()
  const { Signer } = await rdsSigner()
  const region = RDS_HOST.exec(host)?.[1]
  try {
    return await new Signer({
      hostname: host,
      port,
      username: user,
      ...(region !== undefined && { region }),
    }).getAuthToken()
  } catch (error) {
    const message = errorMessage(error)
    // in the words of the SDK's package config-resolver
    const hint = /^region is missing/i.test(message) ? '; AWS_REGION names one' : ''
    throw new Error(`password = aws-iam: ${message}${hint}`, { cause: error })
  }
}

/** Users of aws-iam install it. */
async function rdsSigner(): Promise<typeof import('@aws-sdk/rds-signer')> {
  try {
    return await import('@aws-sdk/rds-signer')
  } catch (error) {
    throw new Error('password = aws-iam needs the package: npm install @aws-sdk/rds-signer', { cause: error })
  }
}
