// Random events of a machine and in SES's answers, and a check that the dispatcher endures them.
// A failure shows what has happened, and the seed with which it happens again.

import fc from 'fast-check'
import type { Outcome } from '../../src/queue/effects'
import { type Happening, Machine, type Scripted } from './machine'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS

const events: fc.Arbitrary<Happening> = fc.record({
  afterMs: fc.integer({ min: 0, max: 20 * SECOND_MS }),
  what: fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        do: fc.constant('add' as const),
        region: fc.constantFrom('eu-west-1', 'us-east-1'),
        bounceSender: fc.constantFrom('a@yours.example', 'b@yours.example'),
        mails: fc.integer({ min: 1, max: 4 }),
        windowMs: fc.constantFrom(90 * SECOND_MS, 5 * MINUTE_MS, 30 * MINUTE_MS, 3 * HOUR_MS),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('set the clock' as const),
        byMs: fc.constantFrom(HOUR_MS, -HOUR_MS, 5 * MINUTE_MS, -5 * MINUTE_MS, SECOND_MS, -SECOND_MS),
      }),
    },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('kill' as const) }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('reboot' as const) }) },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constantFrom('stand still' as const, 'sleep' as const),
        ms: fc.constantFrom(300, 3 * SECOND_MS, MINUTE_MS),
      }),
    },
  ),
})

const answers: fc.Arbitrary<Scripted> = fc.record({
  latencyMs: fc.constantFrom(20, 300, 4000),
  outcome: fc.oneof(
    { weight: 3, arbitrary: fc.constant<Outcome>({ kind: 'sent', messageId: 'bounce' }) },
    {
      weight: 4,
      arbitrary: fc.constantFrom<Outcome>(
        { kind: 'throttled', detail: 'Throttling' },
        { kind: 'temporary', detail: '503' },
        { kind: 'unknown', detail: 'reset' },
        { kind: 'blocked', scope: 'sender', detail: 'not verified' },
        { kind: 'blocked', scope: 'region', detail: 'AccessDenied' },
        { kind: 'refused', detail: 'MessageRejected: No.' },
      ),
    },
  ),
})

const FOUR_MAILS = {
  do: 'add' as const,
  region: 'eu-west-1',
  bounceSender: 'a@yours.example',
  mails: 4,
  windowMs: 3 * HOUR_MS,
}
const SET_BACK_BETWEEN_CALLS: Happening[] = [
  { afterMs: 0, what: FOUR_MAILS },
  { afterMs: 1500, what: { do: 'set the clock', byMs: -HOUR_MS } },
]

/** Rejects when a call comes too soon, a job expires too early, or one waits for ever. */
export async function endures(numRuns: number): Promise<void> {
  await fc.assert(
    fc.asyncProperty(
      fc.array(events, { minLength: 5, maxLength: 20 }),
      fc.array(answers, { maxLength: 12 }),
      async (script, scripted) => {
        const machine = new Machine(scripted)
        try {
          await machine.live(script)
        } finally {
          await machine.close()
        }
      },
    ),
    // shrinking takes its time
    { numRuns, endOnFailure: true, examples: [[SET_BACK_BETWEEN_CALLS, []]] },
  )
}
