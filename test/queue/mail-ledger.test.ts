// The count of mail on disk against a plain sum, and what is to become of a mail.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  fateOf,
  fullOf,
  type KeptRecipient,
  letGoOf,
  MAIL_PLACES,
  type MailLedger,
} from '../../src/queue/mail-ledger'
import { forEachEngine, type Store } from './engines'

forEachEngine('the ledger of mail on disk', (makeStore, { runs }) => {
  let store: Store
  let ledger: MailLedger
  let other: MailLedger
  beforeEach(async () => {
    store = await makeStore()
    ledger = await store.ledger('/one')
    other = await store.ledger('/other')
  })
  afterEach(() => store.remove())

  it('knows of mail that another Haraka directory on the same queue holds', async () => {
    await other.reserve([{ place: 'kept', name: 'a', bytes: 1 }], 'x', 1000, 0)
    assert.deepEqual([await ledger.isElsewhere('a'), await other.isElsewhere('a')], [true, false])
    await other.gone({ place: 'kept', name: 'a' })
    assert.equal(await ledger.isElsewhere('a'), false)
  })

  const LIMIT = 1000
  const file = fc.record({
    place: fc.constantFrom(...MAIL_PLACES),
    name: fc.constantFrom('a', 'b', 'c', 'd'),
    bytes: fc.integer({ min: 0, max: 400 }),
  })

  it('never says that there is room beyond the limit, and sums up what is there', async () => {
    const step = fc.record({
      file,
      sender: fc.constantFrom('x', 'y'),
      what: fc.constantFrom('come', 'go', 'move'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
        for (const { place, name } of await ledger.files(undefined, 100)) await ledger.gone({ place, name })
        const there = new Map<string, number>()
        for (const { file: one, sender, what } of steps) {
          const key = `${one.place} ${one.name}`
          if (what === 'come' && (await ledger.reserve([one], sender, LIMIT, 0)) === undefined)
            there.set(key, one.bytes)
          if (what === 'go') {
            await ledger.gone(one)
            there.delete(key)
          }
          const moving = there.get(`kept ${one.name}`)
          if (what === 'move') {
            await ledger.moved(one.name)
            there.delete(`quarantine ${one.name}`)
            there.delete(`kept ${one.name}`)
            if (moving !== undefined) there.set(`quarantine ${one.name}`, moving)
          }
          const totals = await ledger.totals()
          const sum = [...there.values()].reduce((all, bytes) => all + bytes, 0)
          assert.equal(totals.kept.bytes + totals.quarantine.bytes, sum)
          assert.equal(totals.kept.mails + totals.quarantine.mails, there.size)
          assert.ok(sum <= LIMIT)
        }
      }),
      { numRuns: runs(50) },
    )
  })

  it('counts each Haraka directory by itself', async () => {
    const mail = { place: 'kept', name: 'a', bytes: 900 } as const
    assert.equal(await ledger.reserve([mail], 'x', LIMIT, 0), undefined)
    assert.equal(await ledger.reserve([{ ...mail, name: 'b' }], 'y', LIMIT, 0), 'limit')
    assert.equal(await other.reserve([{ ...mail, name: 'b' }], 'y', LIMIT, 0), undefined)
  })

  it('counts a mail that is delivered again once, and a sender up to a tenth', async () => {
    const mail = { place: 'quarantine', name: 'a', bytes: 60 } as const
    assert.equal(await ledger.reserve([mail], 'x', LIMIT, 0), undefined)
    assert.equal(await ledger.reserve([mail], 'x', LIMIT, 0), undefined)
    assert.equal(await ledger.reserve([{ ...mail, name: 'b' }], 'x', LIMIT, 0), 'sender')
    assert.equal(await ledger.reserve([{ ...mail, name: 'b' }], 'y', LIMIT, 0), undefined)
    assert.deepEqual((await ledger.totals()).quarantine, { bytes: 120, mails: 2 })
  })
})

describe('what is to become of a kept mail', () => {
  const one = (state: KeptRecipient['state'], more: Partial<KeptRecipient> = {}): KeptRecipient => ({
    address: `${state}@yours.example`,
    rule: 'r',
    jobId: state,
    state,
    why: 'why',
    isUnconfirmed: false,
    ...more,
  })

  it('follows the states of its jobs', () => {
    const { done, held, waits } = fateOf([one('sent'), one('failed'), one('cancelled'), one('held')], true)
    assert.deepEqual(
      done.map(({ state }) => state),
      ['sent'],
    )
    assert.deepEqual(
      held.map(({ job }) => job),
      ['failed', 'cancelled'],
    )
    assert.equal(waits, true)
  })

  it('is nothing where SES refused an unconfirmed recipient and such mail is dropped', () => {
    const refused = one('failed', { isUnconfirmed: true })
    assert.equal(fateOf([refused], false).held.length, 0)
    assert.equal(fateOf([refused], true).held.length, 1)
    assert.equal(fateOf([one('expired', { isUnconfirmed: true })], false).held.length, 1)
  })

  it('is let go for the recipients that are named, or for those whose bounce has ended, and is due for the others', () => {
    const all = [one('sent'), one('failed'), one('queued'), one('held')]
    const letGo = (recipients: KeptRecipient[], addresses?: string[]) => {
      const { gone, isDue } = letGoOf(recipients, addresses)
      return [gone.map(({ state }) => state).join(), isDue]
    }
    assert.deepEqual(letGo(all), ['failed', true])
    assert.deepEqual(letGo(all, ['QUEUED@yours.example']), ['queued', true])
    assert.deepEqual(letGo([one('sent'), one('failed')]), ['failed', false])
    assert.deepEqual(letGo([one('queued')], ['queued@yours.example']), ['queued', false])
    assert.deepEqual(letGo([]), ['', false])
  })
})

describe('the room for mail on disk', () => {
  const full = (room: Partial<Parameters<typeof fullOf>[0]>) =>
    fullOf({ all: 0, ofSender: 0, own: 0, more: 10, ...room }, 1000)

  it('is that of the limit, and a tenth of it for a sender with more than one mail', () => {
    assert.deepEqual([full({ all: 990 }), full({ all: 991 })], [undefined, 'limit'])
    assert.deepEqual(
      [full({ all: 500, ofSender: 90 }), full({ all: 500, ofSender: 91 })],
      [undefined, 'sender'],
    )
    assert.equal(full({ all: 500, more: 400 }), undefined)
  })

  it('counts the files that a mail takes the place of once', () => {
    assert.equal(full({ all: 1000, ofSender: 100, own: 10 }), undefined)
    assert.equal(full({ all: 1000, ofSender: 400, own: 400, more: 400 }), undefined)
  })
})
