// GetSendQuota and GetAccountSendingEnabled: SES's answers in XML. Both have no parameters.

import { responseXml, SES_NAMESPACE } from './xml'

export interface SendQuota {
  /** The most mails of a day. */
  most: number
  /** Mails a second. */
  rate: number
  sent: number
}

/** The quota of the sandbox: SES Developer Guide, "Request production access". */
export const SANDBOX_QUOTA = { most: 200, rate: 1 }
/** The usual quota of an account that has left the sandbox. */
export const USUAL_QUOTA = { most: 50_000, rate: 14 }

export function sendQuotaXml({ most, rate, sent }: SendQuota, requestId: string): string {
  const result =
    `    <Max24HourSend>${most}</Max24HourSend>\n    <MaxSendRate>${rate}</MaxSendRate>\n` +
    `    <SentLast24Hours>${sent}</SentLast24Hours>\n`
  return responseXml('GetSendQuota', result, requestId, SES_NAMESPACE)
}

export function sendingEnabledXml(isEnabled: boolean, requestId: string): string {
  const result = `    <Enabled>${isEnabled}</Enabled>\n`
  return responseXml('GetAccountSendingEnabled', result, requestId, SES_NAMESPACE)
}
