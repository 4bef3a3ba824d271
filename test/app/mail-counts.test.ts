// The counts of an evaluation, and the recent decisions that people see.

import assert from 'node:assert/strict'
import type { MailEvaluation } from '../../src/app/evaluate-mail'
import { MailCounts } from '../../src/app/mail-counts'
import { planFor } from '../../src/app/plan'
import type { Decision } from '../../src/policy/decision'
import { COUNTED, type Counted } from '../../src/queue/counters'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'

const NOW_MS = 1_740_000_000_000

function decision(changes: Partial<Decision>): Decision {
  return {
    recipient: { address: 'user@yours.example' } as Decision['recipient'],
    wanted: 'accept',
    action: 'accept',
    deliver: false,
    observed: [],
    ...changes,
  }
}

function evaluation(
  decisions: readonly Decision[],
  plan = planFor(decisions),
  isBesideFor = false,
  notifyNever = false,
): MailEvaluation {
  const facts = {
    envelope: { rcptCommands: 1 },
    sender: 'a@origin.example',
    receipt: { sesId: 'mail1', returnPath: 'a@origin.example' },
    recipients: [{ isBesideFor, envelope: { notifyNever } }],
  } as MailEvaluation['facts']
  return { facts, decisions, known: new Map(), plan }
}

describe('the plugin counts', () => {
  let metricsBuffer: MetricsBuffer
  let counts: MailCounts

  beforeEach(() => {
    metricsBuffer = new MetricsBuffer()
    counts = new MailCounts(metricsBuffer, () => NOW_MS)
  })

  function counted(): Counted {
    let all: Counted = { sums: [], hits: [], decisions: [], reloads: [], onlyRecipients: [] }
    metricsBuffer.flushTo(counted => void (all = counted))
    return all
  }

  it('a bounce that is made or waits already as a duplicate, and a new one not', () => {
    const [old, again, fresh] = ['one', 'two', 'three'].map(rule =>
      decision({ rule, action: 'bounce', wanted: 'bounce' }),
    )
    assert.ok(old && again && fresh)
    const found = {
      ...evaluation([old, again, fresh]),
      known: new Map([[old, { jobId: '1', outcome: 'known' as const }]]),
    }
    counts.evaluated(
      found,
      'enforce',
      new Map<Decision, { jobId: string; outcome: 'known' | 'added' }>([
        ...found.known,
        [again, { jobId: '2', outcome: 'known' as const }],
        [fresh, { jobId: '3', outcome: 'added' as const }],
      ]),
    )
    counts.evaluated(found, 'enforce')
    assert.deepEqual(
      counted().decisions.map(({ rule, isDuplicate }) => [rule, isDuplicate]),
      [
        ['one', true],
        ['two', true],
        ['three', undefined],
        ['one', true],
        ['two', undefined],
        ['three', undefined],
      ],
    )
  })

  it('each recipient by its rule, action, and the reason why there is no bounce', () => {
    counts.evaluated(
      evaluation([
        decision({ rule: 'programs', action: 'bounce', wanted: 'bounce' }),
        decision({
          rule: 'programs',
          action: 'quarantine',
          wanted: 'bounce',
          fallback: { reason: 'unsafe', detail: 'null sender' },
        }),
        decision({}),
      ]),
      'enforce',
    )
    const { sums, hits, decisions } = counted()
    assert.deepEqual(
      sums.map(({ name, labels, value }) => [name, labels, value]),
      [
        [COUNTED.quarantined, { reason: 'unsafe' }, 1],
        [COUNTED.decisions, { rule: 'programs', action: 'bounce', mode: 'enforce' }, 1],
        [COUNTED.decisions, { rule: 'programs', action: 'quarantine', mode: 'enforce' }, 1],
        [COUNTED.fallbacks, { reason: 'unsafe', action: 'quarantine', mode: 'enforce' }, 1],
        [COUNTED.decisions, { rule: '', action: 'accept', mode: 'enforce' }, 1],
      ],
    )
    assert.deepEqual(hits, [{ rule: 'programs', hits: 2, lastMs: NOW_MS }])
    const note = {
      atMs: NOW_MS,
      sesId: 'mail1',
      sender: 'a@origin.example',
      recipient: 'user@yours.example',
      rule: 'programs',
    }
    assert.deepEqual(decisions, [
      { ...note, action: 'bounce', isObserved: false },
      { ...note, action: 'quarantine', reason: 'unsafe', detail: 'null sender', isObserved: false },
    ])
  })

  it('observed decisions separately: those of a rule, unless it could not be checked, and those of all rules', () => {
    const observed: Decision['observed'] = [
      { rule: 'gift-cards', action: 'quarantine' },
      { rule: 'broken', action: 'drop', fault: 'too much to match' },
    ]
    counts.evaluated(evaluation([decision({ observed })]), 'enforce')
    counts.evaluated(
      evaluation([decision({ rule: 'programs', action: 'drop' })], { kind: 'pass' }),
      'observe',
    )
    const { sums, decisions } = counted()
    assert.deepEqual(
      sums.map(({ labels }) => `${labels['rule']} ${labels['action']} ${labels['mode']}`),
      ['gift-cards quarantine observe', ' accept enforce', 'programs drop observe'],
    )
    assert.deepEqual(
      decisions.map(({ rule, isObserved }) => [rule, isObserved]),
      [
        ['gift-cards', true],
        ['programs', true],
      ],
    )
  })

  it('mails with one recipient, by the hour, and those whose header names another one of SES', () => {
    for (const isBesideFor of [true, false, false])
      counts.evaluated(evaluation([], undefined, isBesideFor, !isBesideFor), 'enforce')
    assert.deepEqual(counted().onlyRecipients, [
      { hourMs: NOW_MS - (NOW_MS % 3_600_000), mails: 3, besideFor: 1, notifyNever: 2 },
    ])
  })

  it('mails that come to the quarantine, once for each reason of theirs, and none where it only observes', () => {
    const fallback = { reason: 'unsafe', detail: 'null sender' } as const
    const decisions = [
      decision({ rule: 'a', action: 'quarantine' }),
      decision({ rule: 'b', action: 'quarantine' }),
      decision({ rule: 'c', action: 'quarantine', fallback }),
      decision({ rule: 'd', action: 'reject' }),
    ]
    counts.evaluated(evaluation(decisions), 'enforce')
    counts.evaluated(evaluation(decisions), 'observe')
    assert.deepEqual(
      counted().sums.flatMap(({ name, labels, value }) =>
        name === COUNTED.quarantined ? [[labels['reason'], value]] : [],
      ),
      [
        ['rule', 1],
        ['unsafe', 1],
        ['rejected', 1],
      ],
    )
  })

  it('temporary refusals, by a rule and by a fault', () => {
    counts.inspected()
    counts.evaluated(evaluation([decision({ rule: 'busy', action: 'defer' })]), 'enforce')
    counts.evaluated(evaluation([decision({ rule: 'no', action: 'reject' })]), 'enforce')
    counts.faulted()
    const of = counted().sums.filter(({ name }) => name === COUNTED.deferred)
    assert.deepEqual(
      of.map(({ labels, value }) => [labels['cause'], value]),
      [
        ['rule', 1],
        ['fault', 1],
      ],
    )
  })

  it('bounces that were submitted by hand as those of a rule of their own', () => {
    counts.submitted({ rule: '[api]', sesId: 'mail1', sender: '', recipient: 'user@yours.example' })
    const { sums, hits, decisions } = counted()
    assert.deepEqual(sums[0]?.labels, { rule: '[api]', action: 'bounce', mode: 'enforce' })
    assert.equal(hits[0]?.rule, '[api]')
    assert.deepEqual([decisions[0]?.sender, decisions[0]?.action], ['', 'bounce'])
  })

  it('readings of the configuration, with the errors of a refused one', () => {
    counts.read('first', [])
    counts.read('then', [
      { severity: 'error', file: 'ses-bounce.ini', line: 3, section: 'main', message: 'no' },
    ])
    assert.deepEqual(counted().reloads, [
      { atMs: NOW_MS, state: 'first', errors: [] },
      { atMs: NOW_MS, state: 'then', errors: ['ses-bounce.ini:3: [main] no'] },
    ])
  })
})
