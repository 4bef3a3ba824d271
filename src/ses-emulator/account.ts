// The emulator's account as STS describes it, and IAM's errors for calls that a policy forbids.

import { serviceOf } from './actions'
import { type Refusal, responseXml, STS_NAMESPACE } from './xml'

/** The account number of AWS's examples, which belongs to no customer. */
const ACCOUNT = '123456789012'
const USER = 'local-ses'
const ARN = `arn:aws:iam::${ACCOUNT}:user/${USER}`

/** STS API: GetCallerIdentity. */
export function callerIdentityXml(requestId: string): string {
  return responseXml(
    'GetCallerIdentity',
    `    <Arn>${ARN}</Arn>\n    <UserId>AIDALOCALSESLOCALSES</UserId>\n    <Account>${ACCOUNT}</Account>\n`,
    requestId,
    STS_NAMESPACE,
  )
}

export interface Denied {
  region?: string
  action?: string
  params: Readonly<Record<string, string>>
}

/**
 * SES words the denial of a call that sends itself, with the identity; IAM words the others. Many users report both
 * forms. It is assumed that SendBounce is one of the former.
 */
export function denied({ region, action, params }: Denied): Refusal {
  const sender = params['BounceSender']
  const what = `${serviceOf(action)}:${action ?? ''}`
  const message =
    sender === undefined
      ? `User: ${ARN} is not authorized to perform: ${what}`
      : `User \`${ARN}' is not authorized to perform \`${what}' on resource ` +
        `\`arn:aws:ses:${region ?? ''}:${ACCOUNT}:identity/${sender}'`
  return { status: 403, code: 'AccessDenied', message }
}
