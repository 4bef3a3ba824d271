// The count of mail on disk against a plain sum, and what is to become of a mail.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { QueueError } from '../../src/errors'
import {
  fateOf,
  fullOf,
  type KeptRecipient,
  type ListRange,
  letGoOf,
  MAIL_PLACES,
  type MailLedger,
  removeUnused,
} from '../../src/queue/mail-ledger'
import type { WorkerQueue } from '../../src/queue/store'
import { forEachEngine, type Store } from './engines'
import { HOME } from './store'
import { request } from './support'

forEachEngine('the ledger of mail on disk', (makeStore, { runs }) => {
  let store: Store
  let ledger: MailLedger
  let other: MailLedger
  beforeEach(async () => {
    store = await makeStore()
    ledger = await store.ledger(HOME)
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
            await ledger.moved(one.name, 0)
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

  it('lists the mail in the quarantine, latest first, from a place on and within times', async () => {
    const put = (place: 'kept' | 'quarantine', name: string, atMs: number) =>
      ledger.reserve([{ place, name, bytes: 1 }], 'x', LIMIT, atMs)
    for (const [name, atMs] of [
      ['a', 10],
      ['b', 30],
      ['c', 20],
      ['d', 30],
    ] as const)
      await put('quarantine', name, atMs)
    await put('kept', 'waits', 40)
    await other.reserve([{ place: 'quarantine', name: 'theirs', bytes: 1 }], 'x', LIMIT, 50)
    const names = async (range: Partial<ListRange>) =>
      (await ledger.latest({ limit: 10, ...range })).map(({ name }) => name)
    assert.deepEqual(await names({}), ['d', 'b', 'c', 'a'])
    assert.deepEqual(await names({ limit: 2 }), ['d', 'b'])
    assert.deepEqual(await names({ after: { atMs: 30, name: 'd' } }), ['b', 'c', 'a'])
    assert.deepEqual(await names({ after: { atMs: 30, name: 'b' } }), ['c', 'a'])
    assert.deepEqual(await names({ sinceMs: 20, untilMs: 30 }), ['c'])
    assert.deepEqual(await names({ sinceMs: 30 }), ['d', 'b'])
    await ledger.moved('waits', 60)
    assert.deepEqual(await ledger.latest({ limit: 1 }), [
      { place: 'quarantine', name: 'waits', bytes: 1, atMs: 60 },
    ])
    await ledger.startRemoval([{ place: 'quarantine', name: 'd' }], 70)
    assert.deepEqual(await names({}), ['waits', 'b', 'c', 'a'])
  })

  it('counts a mail that was moved also when the move is told twice', async () => {
    await ledger.reserve([{ place: 'kept', name: 'a', bytes: 60 }], 'x', LIMIT, 0)
    await ledger.moved('a', 0)
    await ledger.moved('a', 0)
    assert.deepEqual(await ledger.totals(), {
      kept: { bytes: 0, mails: 0 },
      quarantine: { bytes: 60, mails: 1 },
    })
  })

  describe('while a mail is removed', () => {
    const mail = { place: 'kept', name: 'a' } as const
    let worker: WorkerQueue
    beforeEach(async () => {
      worker = await store.worker()
      await worker.mail.reserve([{ ...mail, bytes: 60 }], 'x', LIMIT, 0)
    })
    const add = () => worker.add([request({ kept: 'a' })], 0, { mustBeKept: true })

    it('accepts no recipient that would need it, and none before it is written again', async () => {
      await removeUnused(
        ledger,
        [mail],
        async () => {
          await assert.rejects(async () => add(), /the mail was removed while it was written/)
        },
        0,
      )
      assert.equal((await ledger.totals()).kept.mails, 0)
      await assert.rejects(async () => add(), /the mail was removed while it was written/)
      await worker.mail.reserve([{ ...mail, bytes: 60 }], 'x', LIMIT, 0)
      const [added] = await add()
      assert.equal(added?.outcome, 'added')
    })

    it('lets no copy be written that the removal could take', async () => {
      await removeUnused(
        ledger,
        [mail],
        async () => {
          await assert.rejects(
            async () => worker.mail.reserve([{ ...mail, bytes: 60 }], 'x', LIMIT, 0),
            hasCode('QUEUE_BUSY'),
          )
        },
        0,
      )
    })

    it('removes none that a recipient needs', async () => {
      await add()
      await removeUnused(ledger, [mail], () => assert.fail('it was removed'), 0)
      assert.equal((await ledger.totals()).kept.mails, 1)
    })

    it('marks also a file that is not counted', async () => {
      await ledger.gone(mail)
      assert.deepEqual(await ledger.startRemoval([mail], 7), [mail])
      assert.deepEqual(await ledger.files(undefined, 9), [{ ...mail, bytes: 0, atMs: 7, removingMs: 7 }])
      // it was seen before its removal
      await ledger.found({ ...mail, bytes: 60 }, async () => 'x', 8)
      await assert.rejects(async () => add(), /the mail was removed/)
      await ledger.endRemoval([mail])
      assert.deepEqual(await ledger.files(undefined, 9), [])
    })

    it('does not go on when it took so long that another process may have ended it', async () => {
      let monoMs = 0
      const removed: string[] = []
      const removal = removeUnused(
        ledger,
        [mail, { ...mail, name: 'b' }],
        ({ name }) => {
          removed.push(name)
          monoMs += 10_001
        },
        0,
        () => monoMs,
      )
      await assert.rejects(removal, /took too long/)
      assert.deepEqual(removed, ['a'])
      assert.equal((await ledger.files(undefined, 9)).length, 2)
    })
  })
})

function hasCode(code: string) {
  return (error: unknown) => error instanceof QueueError && error.code === code
}

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
