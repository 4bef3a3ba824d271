// The caller of a call, as STS describes it, and IAM's errors for calls that a policy forbids.

import { serviceOf } from './actions'
import { type Refusal, responseXml, STS_NAMESPACE } from './xml'

/** The owner of a call's credentials. */
export interface Caller {
  /** The number of the account. */
  account: string
  arn: string
  userId: string
}

/** The account number of AWS's examples, which belongs to no customer. */
export const OWN_ACCOUNT = '123456789012'
const USER = 'local-ses'

/** The owner of the emulator's own credentials. */
export const OWN_USER: Caller = {
  account: OWN_ACCOUNT,
  arn: `arn:aws:iam::${OWN_ACCOUNT}:user/${USER}`,
  userId: 'AIDALOCALSESLOCALSES',
}

/** STS API: GetCallerIdentity. */
export function callerIdentityXml({ account, arn, userId }: Caller, requestId: string): string {
  return responseXml(
    'GetCallerIdentity',
    `    <Arn>${arn}</Arn>\n    <UserId>${userId}</UserId>\n    <Account>${account}</Account>\n`,
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
export function denied({ region, action, params }: Denied, { account, arn }: Caller = OWN_USER): Refusal {
  const sender = params['BounceSender']
  const role = params['RoleArn']
  const what = `${serviceOf(action)}:${action ?? ''}`
  const message =
    sender === undefined
      ? `User: ${arn} is not authorized to perform: ${what}${role === undefined ? '' : ` on resource: ${role}`}`
      : `User \`${arn}' is not authorized to perform \`${what}' on resource ` +
        `\`arn:aws:ses:${region ?? ''}:${account}:identity/${sender}'`
  return { status: 403, code: 'AccessDenied', message }
}
