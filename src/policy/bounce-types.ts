// For each SES bounce type: reply code, status, and the text for a rule without its own. Plain data.

import type { BounceType } from './decision'

interface TypeTexts {
  /** Reply code (RFC 5321 section 4.2) and status (RFC 3463), as in SES's own bounces of that type. */
  code: string
  status: string
  text: string
}

export const TYPE_TEXTS: Record<BounceType, TypeTexts> = {
  DoesNotExist: { code: '550', status: '5.1.1', text: 'No such mailbox' },
  MessageTooLarge: { code: '552', status: '5.3.4', text: 'Message too large' },
  ExceededQuota: { code: '552', status: '5.2.2', text: 'Mailbox full' },
  ContentRejected: { code: '500', status: '5.6.1', text: 'Content not accepted' },
  Undefined: { code: '554', status: '5.0.0', text: 'Refused by policy' },
  TemporaryFailure: { code: '450', status: '4.0.0', text: 'Temporary failure' },
}

/** For a rule without its own text: RFC 3463 section 3.8, a security or policy matter. */
export const REPLY_TEXTS = {
  reject: { status: '5.7.1', text: 'Refused by policy' },
  defer: { status: '4.7.1', text: 'Refused for now by policy' },
} as const

/** The status with the class that fits the reply: 5 is permanent, 4 temporary (RFC 3463 section 2). */
export function inClass(action: 'reject' | 'defer', status: string): string {
  return (action === 'reject' ? '5' : '4') + status.slice(1)
}
