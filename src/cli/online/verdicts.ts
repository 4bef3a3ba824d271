// Decides from each answer of AWS whether all is fine, else the fault and the right form. Pure.
// Every answer has a verdict; in doubt nothing could be established.

import type { Result } from '../../errors'
import type { Identity, PermissionAnswer, SenderAnswer } from './online'
import type { Refused } from './refused'
import type { BounceSender } from './senders'

export const CALLER_ACTION = 'sts:GetCallerIdentity'
export const IDENTITIES_ACTION = 'ses:GetIdentityVerificationAttributes'
export const SEND_ACTION = 'ses:SendBounce'

/**
 * An id that SES can't have given, as its ids consist of lower-case letters and digits. So SES can't bounce any mail.
 * The text explains the call in a log.
 */
export const IMPOSSIBLE_ID = 'ses-bounce-check--asks-only-for-permission'

/** AWS's words for a wrong clock: "Signature expired: ...", "Signature not yet current: ...". */
const CLOCK = /signature expired|not yet current/i

export function callerVerdict(said: Result<{ account: string; arn: string }, Refused>): Identity {
  const action = CALLER_ACTION
  if ('value' in said) {
    const { account, arn } = said.value
    return { result: 'fine', message: `the credentials are of ${arn}`, action, account, arn }
  }
  const wrong = credentialsFault(said.fault)
  if (wrong !== undefined) return { result: 'error', message: wrong, action }
  const message = `whose the credentials are could not be established: ${said.fault.reason}`
  return { result: 'unestablished', message, action }
}

/** Undefined: it isn't the credentials. */
export function credentialsFault({ kind, name, reason }: Refused): string | undefined {
  if (kind === 'no credentials') {
    return `this user has no usable AWS credentials; the environment, ~/.aws or the role of the machine gives them (${reason})`
  }
  if (kind !== 'wrong credentials') return undefined
  if (CLOCK.test(reason))
    return `the clock of this machine is wrong: AWS accepts calls of the last five minutes (${reason})`
  if (/^(?:Expired|RequestExpired)/.test(name))
    return `the AWS credentials have expired; renew them (${reason})`
  if (name === 'SignatureDoesNotMatch')
    return `the secret access key isn't the one of the access key (${reason})`
  return `AWS doesn't know these credentials: deleted, switched off, or of another partition (${reason})`
}

/** One region's credentials, which STS has taken, or couldn't be asked about. */
function regionFault(refused: Refused): string | undefined {
  const fault = credentialsFault(refused)
  const isUnknown = /^(?:InvalidClientTokenId|UnrecognizedClientException)$/.test(refused.name)
  return isUnknown ? `${fault}; or the account hasn't enabled this region` : fault
}

/** `owner`: the account whose identity [ses] bounce_sender_arn names, if it isn't the one of the credentials. */
export function senderVerdicts(
  senders: readonly BounceSender[],
  said: Result<ReadonlyMap<string, string>, Refused>,
  owner?: string,
): SenderAnswer[] {
  if (owner !== undefined) {
    const message = `whether the bounce senders are verified could not be established: bounce_sender_arn names an identity of account ${owner}, and only that account can ask`
    const action = IDENTITIES_ACTION
    return senders.map(({ address }) => ({ result: 'unestablished', message, action, sender: address }))
  }
  if ('fault' in said) return senders.map(({ address }) => ({ ...unasked(said.fault), sender: address }))
  const isOne = senders.some(
    ({ identities, receiving }) =>
      receiving !== undefined && identities.some(name => isVerified(said.value, name)),
  )
  return senders.map(sender => senderVerdict(sender, said.value, isOne))
}

function unasked(refused: Refused): Pick<SenderAnswer, 'result' | 'message' | 'action'> {
  const action = IDENTITIES_ACTION
  const fault = regionFault(refused)
  if (fault !== undefined) return { result: 'error', message: fault, action }
  const why = refused.kind === 'denied' ? `${action} is not permitted (${refused.reason})` : refused.reason
  const message = `whether the bounce senders are verified could not be established: ${why}`
  return { result: 'unestablished', message, action }
}

/** `isOne`: in this region, one of the domains that SES receives for is verified at least. */
function senderVerdict(
  { address, identities, receiving }: BounceSender,
  statuses: ReadonlyMap<string, string>,
  isOne: boolean,
): SenderAnswer {
  const about = { action: IDENTITIES_ACTION, sender: address }
  const verified = identities.find(name => isVerified(statuses, name))
  if (verified !== undefined) {
    return { result: 'fine', message: `${address} is verified by ${verified}`, ...about, identity: verified }
  }
  const fading = identities.find(name => statusOf(statuses, name) === 'TemporaryFailure')
  if (fading !== undefined) {
    const message = `${address} is verified by ${fading}, but SES no longer finds its DNS record, and will revoke that`
    return { result: 'warning', message, ...about, identity: fading }
  }
  const found = identities.map(name => `${name}: ${statusOf(statuses, name) ?? 'no identity'}`).join(', ')
  const message = `bounce sender ${address} is not verified (${found})`
  // SES receives for verified domains only, and a domain's mail may come by another region
  return receiving !== undefined && isOne
    ? {
        result: 'warning',
        message: `${message}; SES receives no mail for ${receiving} here either`,
        ...about,
      }
    : { result: 'error', message, ...about }
}

function statusOf(statuses: ReadonlyMap<string, string>, identity: string): string | undefined {
  return statuses.get(identity.toLowerCase())
}

/** SES API: VerificationStatus. */
function isVerified(statuses: ReadonlyMap<string, string>, identity: string): boolean {
  return statusOf(statuses, identity) === 'Success'
}

/** `said` of a call with the impossible id, as `sender`, which is one of so many. */
export function permissionVerdict(
  sender: string,
  senders: number,
  said: Result<undefined, Refused>,
): PermissionAnswer {
  const about = { action: SEND_ACTION, sender }
  const tried = senders === 1 ? '' : ` as ${sender}, the one of ${senders} bounce senders that was tried`
  if ('value' in said) {
    const message = `SendBounce is permitted${tried}, but a bounce was made of a mail that SES can't have had: [ses] endpoint doesn't lead to SES`
    return { result: 'warning', message, ...about }
  }
  const { fault: refused } = said
  if (isOfTheId(refused)) return { result: 'fine', message: `SendBounce is permitted${tried}`, ...about }
  const fault = permissionFault(sender, refused)
  if (fault !== undefined) return { result: 'error', ...fault, ...about }
  return { ...noPermissionVerdict(refused.reason), ...about }
}

export function noPermissionVerdict(reason: string): PermissionAnswer {
  const message = `whether SendBounce is permitted could not be established: ${reason}`
  return { result: 'unestablished', message, action: SEND_ACTION }
}

/**
 * Whether SES refuses the call for its id, so that the call was permitted. SES API: SendBounce has no other error than
 * MessageRejected; any other counts only if its text names the id.
 */
function isOfTheId({ kind, name, reason }: Refused): boolean {
  if (kind !== 'call') return false
  const isNamed = /message.?id/i.test(reason) || reason.includes(IMPOSSIBLE_ID)
  return name === 'MessageRejected' || (name === 'InvalidParameterValue' && isNamed)
}

function permissionFault(
  sender: string,
  refused: Refused,
): { message: string; resource?: string } | undefined {
  switch (refused.kind) {
    case 'denied': {
      const resource = resourceOf(refused.reason)
      const what = resource === undefined ? SEND_ACTION : `${SEND_ACTION} on ${resource}`
      const message = `SendBounce is not permitted as ${sender}; allow ${what} (${refused.reason})`
      return { message, ...(resource !== undefined && { resource }) }
    }
    case 'not verified':
      return { message: `SES doesn't accept ${sender} as a bounce sender (${refused.reason})` }
    case 'account':
      return { message: `SES sends nothing for this account now (${refused.reason})` }
    case 'no credentials':
    case 'wrong credentials':
      return { message: regionFault(refused) ?? refused.reason }
    case 'call':
    case 'no answer':
      return undefined
  }
}

/** SES says "on resource `arn'", IAM "on resource: arn". */
function resourceOf(words: string): string | undefined {
  return /on resource:? [`']?(arn:[^\s'`]+)/.exec(words)?.[1]
}
