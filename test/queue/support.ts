// A queue file of its own for each test, and requests with sensible defaults.

import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { senderKey } from '../../src/mail/sender-key'
import type { BounceRequest } from '../../src/policy/decision'

export const HOUR_MS = 3_600_000

export function temporaryFolder(): { folder: string; remove: () => void } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-'))
  return { folder, remove: () => rmSync(folder, { recursive: true, force: true }) }
}

let counter = 0

export function request(
  changes: Partial<Omit<BounceRequest, 'recipient'>> & {
    recipient?: Partial<BounceRequest['recipient']>
  } = {},
): BounceRequest {
  counter += 1
  const sender = changes.sender ?? 'sender@origin.example'
  return {
    sesId: `mail${counter}`,
    region: 'eu-west-1',
    receivedAtMs: 0,
    deadlineMs: 24 * HOUR_MS,
    sender,
    senderKey: senderKey(sender),
    bounceSender: 'mailer-daemon@yours.example',
    reportingMta: 'dns; mx.yours.example',
    rule: 'unknown-mailbox',
    caps: [],
    ...changes,
    recipient: {
      address: 'user@yours.example',
      bounceType: 'DoesNotExist',
      status: '5.1.1',
      diagnostic: 'smtp; 550 5.1.1 No such mailbox',
      ...changes.recipient,
    },
  }
}
