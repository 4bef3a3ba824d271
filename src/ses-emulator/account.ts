// The account of the emulator, in STS's words, and IAM's errors when a policy forbids a call.
// Pure; nothing fails.

import { serviceOf } from './actions'
import { type Refusal, responseXml, STS_NAMESPACE } from './xml'

/** The account of AWS's own examples; nobody's. */
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
 * Calls that send are denied in words of SES's own, which name the identity, and the others in IAM's: both stand in
 * many reports of users. That SendBounce is one of the former is assumed.
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
