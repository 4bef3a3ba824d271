// Decides from AWS's answers for one account whether its role, its quota and its sending are fine. Pure.
// Every answer has a verdict; in doubt nothing could be established.

import type { Account } from '../../config/accounts'
import type { Result } from '../../errors'
import type { SendQuota } from './aws'
import type { OnlineAnswer } from './online'
import type { Refused } from './refused'
import { credentialsFault } from './verdicts'

export const ROLE_ACTION = 'sts:AssumeRole'
export const QUOTA_ACTION = 'ses:GetSendQuota'
export const ENABLED_ACTION = 'ses:GetAccountSendingEnabled'

export function roleVerdict({ role }: Account, said: Result<unknown, Refused>): OnlineAnswer {
  const action = ROLE_ACTION
  if ('value' in said) return { result: 'fine', message: `${role} can be assumed`, action }
  const { fault: refused } = said
  const wrong = credentialsFault(refused)
  if (wrong !== undefined) return { result: 'error', message: wrong, action }
  if (refused.kind === 'no answer') {
    const message = `whether ${role} can be assumed could not be established: ${refused.reason}`
    return { result: 'unestablished', message, action }
  }
  const message =
    `${role} can't be assumed: there must be such a role, its trust policy must name these credentials and this ` +
    `external_id, and these credentials need ${action} on it (${refused.reason})`
  return { result: 'error', message, action }
}

/** SES Developer Guide, "Request production access": the quota of the sandbox. */
const SANDBOX = { most: 200, rate: 1 }
/** A quota that is so near to its end soon stops the lane. */
const NEARLY = 0.9

/** A quota proves nothing about the sandbox, but it is the only sign that this API gives. */
export function quotaVerdict({ name }: Account, said: Result<SendQuota, Refused>): OnlineAnswer {
  const action = QUOTA_ACTION
  if ('fault' in said) {
    const message = `production access and daily quota could not be established: ${said.fault.reason}`
    return { result: 'unestablished', message, action }
  }
  const { most, rate, sent } = said.value
  const number = (value: number) => value.toLocaleString('en-US', { maximumFractionDigits: 0 })
  // SES API: GetSendQuota, Max24HourSend
  if (most < 0) return { result: 'fine', message: 'production access, with no daily quota', action }
  const used = `${number(sent)} of ${number(most)} a day were sent`
  if (sent >= most) return { result: 'error', message: `the daily quota is used up: ${used}`, action }
  if (most <= SANDBOX.most && rate <= SANDBOX.rate) {
    const message = `account ${name} seems to be in the sandbox, where SES sends only to verified addresses: ${used}, ${number(rate)} a second; request production access`
    return { result: 'warning', message, action }
  }
  if (sent >= most * NEARLY)
    return { result: 'warning', message: `the daily quota is nearly used up: ${used}`, action }
  return { result: 'fine', message: `production access: ${used}`, action }
}

/** Undefined: nothing is wrong. */
export function enabledVerdict({ name }: Account, said: Result<boolean, Refused>): OnlineAnswer | undefined {
  const action = ENABLED_ACTION
  if ('value' in said)
    return said.value
      ? undefined
      : { result: 'error', message: `sending is paused for account ${name}`, action }
  const message = `whether sending is paused could not be established: ${said.fault.reason}`
  return { result: 'unestablished', message, action }
}
