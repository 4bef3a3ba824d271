// The outcome of a call: for its job, and for the others of its bounce sender.

import assert from 'node:assert/strict'
import type { RefusalFacts, SenderFacts } from '../../src/queue/breaker'
import { settlementOf } from '../../src/queue/settlement'
import type { Effect } from '../../src/queue/store'
import { job } from '../dispatch/support'

const REFUSED = {
  state: 'failed',
  detail: '400 MessageRejected: no bounce for mail1 to nobody@yours.example',
  pauses: { untilMs: 60_000, ownUntilMs: 600_000 },
} as const
const FREE: SenderFacts = { isRegionPaused: false }
const ALONE: RefusalFacts = { wasPutBack: false, othersInRow: 0, waitsUntried: true }
const ONE = job({ sesId: 'mail1', tries: 1 })
const [RECIPIENT] = ONE.recipients
assert.ok(RECIPIENT)
const SEVERAL = {
  ...ONE,
  recipients: ['c', 'a', 'B'].map(name => ({ ...RECIPIENT, address: `${name}@yours.example` })),
}
const UNCONFIRMED = { ...ONE, recipients: [{ ...RECIPIENT, isUnconfirmed: true }] }
const SENDER = { region: ONE.region, bounceSender: ONE.bounceSender }

const refusal = (facts: Partial<RefusalFacts> = {}, sender: SenderFacts = FREE, of = ONE) =>
  settlementOf(of, REFUSED, { ...sender, refusal: { ...ALONE, ...facts } })
const by = (senderPausedBy: 'answer' | 'refusals'): SenderFacts => ({ ...FREE, senderPausedBy })

describe('the outcome of a call', () => {
  it('counts an attempt whatever it is, and an unknown one where SES may have made the bounce', () => {
    const effects: [effect: Effect, unknownTries: number | undefined][] = [
      [{ state: 'sent', messageId: 'm', detail: '' }, undefined],
      [{ state: 'held', detail: '' }, 1],
      [{ state: 'failed', detail: '' }, undefined],
      [{ state: 'queued', what: 'retry', notBeforeMs: 5, detail: '' }, undefined],
      [{ state: 'queued', what: 'unknown outcome', notBeforeMs: 5, detail: '' }, 1],
    ]
    for (const [effect, unknownTries] of effects) {
      const { job: changed } = settlementOf(ONE, effect, FREE)
      assert.equal(changed.state, effect.state)
      assert.deepEqual([changed.tries, changed.unknownTries], [2, unknownTries])
    }
  })

  it('ends the pauses of region and sender, and the row of refusals, when SES has made the bounce', () => {
    const sent: Effect = { state: 'sent', messageId: 'm', detail: 'made' }
    const {
      job: changed,
      sender,
      answer,
    } = settlementOf(ONE, sent, { ...by('refusals'), isRegionPaused: true })
    assert.equal(changed.messageId, 'm')
    assert.deepEqual([sender?.ends, sender?.row], [['region', 'sender'], 'ended'])
    assert.deepEqual(answer.changes, [
      { region: ONE.region, isPaused: false },
      { ...SENDER, isPaused: false },
    ])
    assert.deepEqual(settlementOf(ONE, sent, FREE).answer.changes, [])
  })

  it('that pauses the sender shows that the region works; a pause is said when it begins', () => {
    const blocked: Effect = {
      state: 'queued',
      what: 'retry',
      notBeforeMs: 9.4,
      detail: 'no',
      blocks: 'sender',
    }
    const { sender, answer } = settlementOf(ONE, blocked, { isRegionPaused: true })
    assert.deepEqual(sender?.ends, ['region'])
    assert.deepEqual(sender?.pause, { scope: 'sender', untilMs: 9, by: 'answer' })
    assert.deepEqual(
      answer.changes.map(({ isPaused }) => isPaused),
      [false, true],
    )
    assert.deepEqual(settlementOf(ONE, blocked, by('answer')).answer.changes, [])
    const ofRegion = settlementOf(ONE, { ...blocked, blocks: 'region' }, by('answer'))
    assert.deepEqual(ofRegion.sender?.ends, [])
    assert.deepEqual(ofRegion.answer.changes, [{ region: ONE.region, isPaused: true, detail: 'no' }])
  })

  it('of a refused call for several recipients is a job for each, the first in the old one', () => {
    const { job: changed, split, answer } = refusal({ othersInRow: 9 }, FREE, SEVERAL)
    assert.equal(answer.state, 'split')
    assert.deepEqual([changed.state, changed.isAlone, changed.tries], ['queued', true, 2])
    assert.deepEqual(split?.others, ['B@yours.example', 'c@yours.example'])
    assert.match(split?.event.detail ?? '', /^it was split off job job1, since SES refused the call for all/)
  })
})

describe('a bounce sender whose mails SES refuses', () => {
  it('is paused at the fifth mail in a row, and the jobs of the row wait again', () => {
    const fourth = refusal({ othersInRow: 3 })
    assert.deepEqual([fourth.answer.state, fourth.sender?.pause], ['failed', undefined])
    // what SES quotes of the mail makes no other error
    const error = '400 MessageRejected: no bounce for ... to ...'
    assert.deepEqual(fourth.sender?.row, { error, isPutBack: false })
    const fifth = refusal({ othersInRow: 4 })
    assert.equal(fifth.answer.state, 'queued')
    assert.deepEqual(fifth.sender?.pause, { scope: 'sender', untilMs: 60_000, by: 'refusals' })
    assert.deepEqual([fifth.job.notBeforeMs, fifth.sender?.putBack?.notBeforeMs], [600_000, 600_000])
    const [said, ...more] = fifth.answer.changes
    assert.deepEqual(more, [])
    assert.match(said?.detail ?? '', /^SES refused 5 mails in a row: 400/)
  })

  it('stays paused while its mails are refused, which is not said again', () => {
    const { answer, sender } = refusal({}, by('refusals'))
    assert.deepEqual(answer, { state: 'queued', changes: [] })
    assert.deepEqual([sender?.pause?.untilMs, sender?.ends], [60_000, []])
  })

  it('works when one is refused after a pause that SES asked for', () => {
    const { answer } = refusal({}, by('answer'))
    assert.deepEqual(answer, { state: 'failed', changes: [{ ...SENDER, isPaused: false }] })
  })

  it('has each job put back once: refused again while the sender works it has failed', () => {
    const { answer, sender } = refusal({ wasPutBack: true, othersInRow: 9 })
    assert.deepEqual([answer.state, sender?.row], ['failed', undefined])
  })

  it('has a job tried next that was not tried yet; then the one whose attempt is the longest ago', () => {
    const next = (facts: Partial<RefusalFacts>) => {
      const { job: own, sender } = refusal(facts, by('refusals'))
      return sender?.next?.id ?? (own.notBeforeMs === 60_000 ? 'own' : 'one that was not tried')
    }
    const { deadlineMs, createdAtMs } = ONE
    const earlier = { id: 'earlier', notBeforeMs: 300_000, deadlineMs: deadlineMs + 1, createdAtMs }
    assert.equal(next({ firstWaiting: earlier }), 'one that was not tried')
    assert.equal(next({ waitsUntried: false, firstWaiting: earlier }), 'earlier')
    assert.equal(next({ waitsUntried: false }), 'own')
    const later = { ...earlier, id: 'later', notBeforeMs: 600_001 }
    assert.equal(next({ waitsUntried: false, firstWaiting: later }), 'own')
    const row = { waitsUntried: false, othersInRow: 4 }
    const inRow = { id: 'in row', deadlineMs: deadlineMs - 1, createdAtMs }
    assert.equal(refusal({ ...row, firstFailed: inRow }).sender?.next?.id, 'in row')
    assert.equal(refusal({ ...row, firstFailed: inRow, firstWaiting: earlier }).sender?.next?.id, 'earlier')
    const younger = { ...inRow, deadlineMs, createdAtMs: createdAtMs + 1 }
    assert.equal(refusal({ ...row, firstFailed: younger }).job.notBeforeMs, 60_000, 'the older one of two')
    assert.equal(next({ waitsUntried: false, firstFailed: inRow }), 'own', 'a failed job stays failed')
  })

  it('is not paused by unconfirmed recipients, which wait once while it is', () => {
    const alone = refusal({ othersInRow: 9 }, FREE, UNCONFIRMED)
    assert.deepEqual(
      [alone.answer.state, alone.sender?.row, alone.unconfirmed],
      ['failed', undefined, 'refused'],
    )
    const once = refusal({}, by('refusals'), UNCONFIRMED)
    assert.deepEqual([once.answer.state, once.job.notBeforeMs], ['queued', 600_000])
    assert.deepEqual([once.sender?.pause, once.unconfirmed], [undefined, undefined])
    assert.equal(refusal({ wasPutBack: true }, by('refusals'), UNCONFIRMED).answer.state, 'failed')
  })
})
