// A job as the queue would give it, with sensible defaults.

import type { Job } from '../../src/queue/job'

export const RECEIVED_MS = Date.UTC(2025, 1, 20, 12, 38, 4)

export function job(changes: Partial<Job> = {}): Job {
  return {
    id: 'job1',
    state: 'sending',
    region: 'eu-west-1',
    sesId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
    sender: 'joe@origin.example',
    bounceSender: 'mailer-daemon@yours.example',
    reportingMta: 'dns; mx.yours.example',
    receivedAtMs: RECEIVED_MS,
    deadlineMs: RECEIVED_MS + 86_400_000,
    createdAtMs: RECEIVED_MS,
    changedAtMs: RECEIVED_MS,
    notBeforeMs: 0,
    tries: 0,
    unknownTries: 0,
    interruptions: 0,
    recipients: [
      {
        address: 'nobody@yours.example',
        bounceType: 'DoesNotExist',
        status: '5.1.1',
        diagnostic: 'smtp; 550 5.1.1 No such mailbox',
        rule: 'unknown-mailbox',
        addedAtMs: RECEIVED_MS + 5000,
      },
    ],
    ...changes,
  }
}
