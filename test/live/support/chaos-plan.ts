// The plan of a chaos test, drawn from its seed before it begins: mails, attacks and SES's faults.
// Pure: the same seed and measure give the same plan, whatever the machine does with it.

import type { Fault } from '../../../src/ses-emulator/faults'
import { pick, seeded } from './random'

export type Victim = 'master' | 'worker' | 'dispatcher'
/** One of the two Harakas. */
export type Instance = 0 | 1

export type Attack = { atMs: number } & (
  | { kind: 'kill'; instance: Instance; what: Victim }
  | { kind: 'stop'; instance: Instance; what: Victim; forMs: number }
  /** Kills the process that made the next call that arrives at SES, before the answer. */
  | { kind: 'kill in call' }
  /** Stops a process before its call: the call has been written down as begun, and hasn't arrived. */
  | { kind: 'stop before call'; forMs: number }
  /** The workers of which one has taken a mail into the queue and hasn't said so yet. */
  | { kind: 'kill before 250'; instance: Instance }
  | { kind: 'full disk'; forMs: number }
  | { kind: 'lock'; forMs: number }
)
export type AttackKind = Attack['kind']

export interface PlannedMail {
  atMs: number
  /** Its relay, from 0 on. */
  relay: number
  region: string
  recipients: readonly string[]
  /** Where the relay tries first. */
  instance: Instance
  /** The fate of the first answer: the relay hangs up before it comes, or delivers again all the same. */
  answer: 'heard' | 'lost' | 'forgotten'
}

export interface Measure {
  seed: number
  /** How long mail comes in and attacks begin. */
  durationMs: number
  mails: number
  attackEveryMs: number
  /** Dealt as a deck of cards, again and again: all of them come before one comes anew. */
  attacks: readonly AttackKind[]
  longestStopMs: number
  longestLockMs: number
  longestFullMs: number
  /** How many calls of a hundred get one of the faults. */
  faultsPerCent: number
  faults: readonly FaultName[]
  /** Each falls on one call, in place of any other. */
  rareFaults: readonly FaultName[]
}

export interface Plan {
  mails: PlannedMail[]
  /** In order of time. */
  attacks: Attack[]
  /** Each call takes the next one. */
  faults: (FaultName | undefined)[]
}

/** Answers of SES, or of a part before it. `carried out`: the bounce was made all the same. */
export const FAULTS = {
  throttling: { kind: 'throttle' },
  'service unavailable': { kind: 'status', status: 503, body: 'Service Unavailable' },
  'bad gateway': { kind: 'status', status: 502, body: '<html><body>Bad Gateway</body></html>' },
  reset: { kind: 'reset' },
  'reset, carried out': { kind: 'reset', after: 'carried-out' },
  silence: { kind: 'silence' },
  'silence, carried out': { kind: 'silence', after: 'carried-out' },
  garbage: { kind: 'garbage' },
  'garbage, carried out': { kind: 'garbage', after: 'carried-out' },
  empty: { kind: 'empty' },
  'empty, carried out': { kind: 'empty', after: 'carried-out' },
  rejected: { kind: 'error', status: 400, code: 'MessageRejected', message: 'No such message.' },
  /** Each pauses its region for a minute. */
  'expired credentials': {
    kind: 'error',
    status: 403,
    code: 'ExpiredToken',
    message: 'The security token included in the request is expired',
  },
  /** Each pauses its bounce sender for a minute. */
  'not verified': {
    kind: 'error',
    status: 400,
    code: 'MessageRejected',
    message: 'The following identities are not verified: mailer-daemon@yours.example',
  },
} as const satisfies Record<string, Fault>
export type FaultName = keyof typeof FAULTS

export const RELAYS = 5
export const REGIONS = ['eu-west-1', 'us-east-1'] as const
/** A call may be made several times, and a mail may need several calls. */
const CALLS_PER_MAIL = 12
/** Refusals are kept apart: five of them in a row would mean that it isn't the mails. */
const APART = 10
/** So that a stop or a lock is one that can be felt. */
const SHORTEST_MS = 100

export function planChaos(measure: Measure): Plan {
  // one stream each, so that a change of one doesn't change the others
  const [mails, attacks, faults] = [1, 2, 3].map(n => seeded(measure.seed * 3 + n))
  if (!mails || !attacks || !faults) throw new Error('there are three streams')
  return {
    mails: planMails(mails, measure),
    attacks: planAttacks(attacks, measure),
    faults: planFaults(faults, measure),
  }
}

function planMails(random: () => number, { mails, durationMs }: Measure): PlannedMail[] {
  const planned = Array.from({ length: mails }, () => ({
    atMs: Math.floor(random() * durationMs),
    relay: Math.floor(random() * RELAYS),
    region: pick(random, REGIONS) ?? REGIONS[0],
    recipients: pick(random, ADDRESSED) ?? [],
    instance: drawInstance(random),
    answer:
      pick<PlannedMail['answer']>(random, ['heard', 'heard', 'heard', 'heard', 'lost', 'forgotten']) ??
      'heard',
  }))
  return planned.toSorted(byTime)
}

/** For the rules in haraka-pair.ts: one call, two calls with texts of their own, and some mail that is delivered too. */
const ADDRESSED = [
  ['unknown-1@yours.example'],
  ['unknown-1@yours.example'],
  ['unknown-1@yours.example'],
  ['full-1@yours.example'],
  ['unknown-1@yours.example', 'unknown-2@yours.example', 'unknown-3@yours.example'],
  ['unknown-1@yours.example', 'full-1@yours.example'],
  ['unknown-1@yours.example', 'friend-1@yours.example'],
]

function planAttacks(random: () => number, measure: Measure): Attack[] {
  const { durationMs, attackEveryMs } = measure
  let deck: AttackKind[] = []
  const attacks = Array.from({ length: Math.floor(durationMs / attackEveryMs) }, (_, n) => {
    const atMs = Math.floor((n + random()) * attackEveryMs)
    if (deck.length === 0) deck = shuffled(random, measure.attacks)
    return drawAttack(random, deck.pop() ?? 'kill', atMs, measure)
  })
  return attacks.toSorted(byTime)
}

function drawAttack(random: () => number, kind: AttackKind, atMs: number, measure: Measure): Attack {
  const instance = drawInstance(random)
  const what = pick<Victim>(random, ['master', 'worker', 'dispatcher', 'dispatcher']) ?? 'dispatcher'
  const lasting = (longestMs: number) => SHORTEST_MS + Math.floor(random() * (longestMs - SHORTEST_MS))
  switch (kind) {
    case 'kill':
      return { atMs, kind, instance, what }
    case 'stop':
      return { atMs, kind, instance, what, forMs: lasting(measure.longestStopMs) }
    case 'stop before call':
      return { atMs, kind, forMs: lasting(measure.longestStopMs) }
    case 'kill in call':
      return { atMs, kind }
    case 'kill before 250':
      return { atMs, kind, instance }
    case 'full disk':
      return { atMs, kind, forMs: lasting(measure.longestFullMs) }
    case 'lock':
      return { atMs, kind, forMs: lasting(measure.longestLockMs) }
  }
}

function planFaults(random: () => number, measure: Measure): Plan['faults'] {
  const { mails, faults, faultsPerCent, rareFaults } = measure
  let refusedAt = Number.NEGATIVE_INFINITY
  const planned = Array.from({ length: mails * CALLS_PER_MAIL }, (_, n) => {
    const isFaulty = random() * 100 < faultsPerCent
    const name = pick(random, faults)
    if (!isFaulty || (name === 'rejected' && n - refusedAt < APART)) return undefined
    if (name === 'rejected') refusedAt = n
    return name
  })
  // of the first half: there are calls enough for each
  for (const name of rareFaults) planned[Math.floor((random() * mails) / 2)] = name
  return planned
}

function shuffled<T>(random: () => number, values: readonly T[]): T[] {
  return values
    .map(value => ({ value, at: random() }))
    .toSorted((one, other) => one.at - other.at)
    .map(({ value }) => value)
}

function drawInstance(random: () => number): Instance {
  return random() < 0.5 ? 0 : 1
}

function byTime(one: { atMs: number }, other: { atMs: number }): number {
  return one.atMs - other.atMs
}
