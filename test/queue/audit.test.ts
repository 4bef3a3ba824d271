// The audit of what people did by hand, in each engine.

import assert from 'node:assert/strict'
import { AUDIT_KEPT_MS, type AuditEntry, type AuditQuery, auditDraft } from '../../src/queue/audit'
import type { OperatorQueue } from '../../src/queue/operator'
import { forEachEngine, type Store } from './engines'
import { HOUR_MS, request } from './support'

const ANNA = { who: 'root (sudo by Anna)', via: 'cli', host: 'web-1' } as const
const OPS = { who: 'ops', via: 'api', host: 'web-2' } as const
const NOW_MS = Date.UTC(2026, 10, 1)

forEachEngine('the audit', makeStore => {
  let store: Store
  let queue: OperatorQueue

  beforeEach(async () => {
    store = await makeStore()
    await store.worker()
    queue = await store.operator()
  })
  afterEach(() => store.remove())

  const entries = async (query: Partial<AuditQuery> = {}) =>
    (await queue.audit.page({ limit: 100, ...query })).entries

  const draft = (target: string, atMs = NOW_MS, more: { reason?: string } = {}) =>
    auditDraft(ANNA, 'pause', { target, atMs, ...more })

  it('has an entry for a pause and for its end, with the name, the way, the reason and the number', async () => {
    const reason = "SES's window is closed; see #7 <b>\u202e"
    await queue.pause('eu-west-1', NOW_MS, draft('eu-west-1', NOW_MS, { reason }))
    await queue.pause('us-east-1', NOW_MS + 1, draft('us-east-1', NOW_MS + 1))
    await queue.resume(undefined, auditDraft(OPS, 'resume', { target: 'every region', atMs: NOW_MS + 2 }))
    const shown = (await entries()).map(({ id, ...entry }) => ({ ...entry, hasId: id !== '' }))
    assert.deepEqual(shown, [
      { ...OPS, action: 'resume', target: 'every region', items: 2, atMs: NOW_MS + 2, hasId: true },
      { ...ANNA, action: 'pause', target: 'us-east-1', items: 1, atMs: NOW_MS + 1, hasId: true },
      { ...ANNA, action: 'pause', target: 'eu-west-1', reason, items: 1, atMs: NOW_MS, hasId: true },
    ])
  })

  it('has no entry for an action that changed nothing', async () => {
    await queue.resume(undefined, draft('every region'))
    await queue.pause(undefined, NOW_MS, draft('every region'))
    await queue.pause(undefined, NOW_MS + 1, draft('every region'))
    assert.equal((await entries()).length, 1)
    await queue.audit.add({ ...draft('mail 1'), items: 0 })
    assert.equal((await entries()).length, 1)
  })

  it('shows with a pause its reason and who made it, and a later reason in place of it', async () => {
    await queue.pause('eu-west-1', NOW_MS, draft('eu-west-1', NOW_MS, { reason: 'first' }))
    await queue.pause(undefined, NOW_MS)
    const pauses = async () => (await store.reader()).pauses()
    assert.deepEqual(await pauses(), [
      { sinceMs: NOW_MS },
      { region: 'eu-west-1', sinceMs: NOW_MS, reason: 'first', who: ANNA.who },
    ])
    const later = auditDraft(OPS, 'pause', { target: 'eu-west-1', reason: 'second', atMs: NOW_MS + 1 })
    assert.equal(await queue.pause('eu-west-1', NOW_MS + 1, later), false)
    assert.equal(await queue.pause('eu-west-1', NOW_MS + 2, draft('eu-west-1', NOW_MS + 2)), false)
    assert.deepEqual((await pauses())[1], {
      region: 'eu-west-1',
      sinceMs: NOW_MS,
      reason: 'second',
      who: 'ops',
    })
    assert.deepEqual(
      (await entries()).map(({ reason }) => reason),
      ['second', 'first'],
    )
    const stats = await queue.stats({ ms: NOW_MS, monoMs: 0 }, { spacingMs: 1, forecastMs: 1, marginMs: 0 })
    assert.deepEqual(stats.pauses, await pauses())
  })

  it('gives the dispatcher the reason of a pause in its plan', async () => {
    const dispatcher = await store.dispatcher()
    await queue.pause('eu-west-1', NOW_MS, draft('eu-west-1', NOW_MS, { reason: 'first' }))
    const plan = await dispatcher.plan({ nowMs: NOW_MS, longestPauseMs: 0 })
    assert.deepEqual(plan?.pauses, [{ region: 'eu-west-1', sinceMs: NOW_MS, reason: 'first', who: ANNA.who }])
  })

  it('counts what several transactions of one action have changed in one entry', async () => {
    const entry = draft('state failed')
    await queue.audit.add({ ...entry, items: 100 })
    await queue.audit.add({ ...entry, items: 11 })
    assert.deepEqual(await entries(), [{ ...entry, items: 111 }])
  })

  it('is read a page at a time, the latest first, by action, way, name and time', async () => {
    const all: AuditEntry[] = []
    for (let index = 0; index < 10; index++) {
      const by = index % 2 === 0 ? ANNA : OPS
      const action = index % 5 === 0 ? 'cancel' : 'retry'
      all.unshift({
        ...auditDraft(by, action, { target: `job ${index}`, atMs: NOW_MS + index }),
        items: index + 1,
      })
    }
    for (const entry of all.toReversed()) await queue.audit.add(entry)
    const pages: string[][] = []
    let before: number | undefined
    do {
      const page = await queue.audit.page({ limit: 4, ...(before !== undefined && { before }) })
      pages.push(page.entries.map(({ target }) => target))
      before = page.next
    } while (before !== undefined)
    const targets = all.map(({ target }) => target)
    assert.deepEqual(pages, [targets.slice(0, 4), targets.slice(4, 8), targets.slice(8)])
    const found = async (query: Partial<AuditQuery>) => (await entries(query)).map(({ items }) => items - 1)
    assert.deepEqual(await found({ action: 'cancel' }), [5, 0])
    assert.deepEqual(await found({ via: 'api' }), [9, 7, 5, 3, 1])
    assert.deepEqual(await found({ who: 'aNNa', action: 'cancel' }), [0])
    assert.deepEqual(await found({ who: '%' }), [])
    assert.deepEqual(await found({ sinceMs: NOW_MS + 3, untilMs: NOW_MS + 6 }), [5, 4, 3])
    assert.deepEqual(await (await store.reader()).audit.page({ limit: 100 }), { entries: all })
  })

  it('keeps an entry for 90 days', async () => {
    const old = { ...draft('old'), items: 1 }
    await queue.audit.add(old)
    await queue.audit.add({ ...draft('young', NOW_MS + AUDIT_KEPT_MS), items: 1 })
    assert.equal((await entries()).length, 2)
    await queue.audit.add({ ...draft('new', NOW_MS + AUDIT_KEPT_MS + 1), items: 1 })
    assert.deepEqual(
      (await entries()).map(({ target }) => target),
      ['new', 'young'],
    )
    assert.equal(AUDIT_KEPT_MS, 90 * 24 * 3_600_000)
  })

  it('cuts texts that are too long', async () => {
    const long = auditDraft({ ...ANNA, who: 'w'.repeat(5000) }, 'hold', {
      target: 't'.repeat(5000),
      reason: 'r'.repeat(5000),
      atMs: NOW_MS,
    })
    await queue.audit.add({ ...long, items: 1 })
    const [entry] = await entries()
    assert.deepEqual(
      [entry?.who, entry?.target, entry?.reason].map(text => text?.length),
      [1003, 1003, 1003],
    )
  })

  it('has an entry for bounces that are submitted by hand, and none where nothing was added', async () => {
    const worker = await store.worker()
    const by = (target: string) => auditDraft(OPS, 'submit', { target, atMs: NOW_MS })
    const two = ['a@yours.example', 'b@yours.example'].map(address =>
      request({ sesId: 'm1', deadlineMs: NOW_MS + HOUR_MS, recipient: { address } }),
    )
    const audit = by('mail m1')
    await worker.add(two, NOW_MS, { audit })
    assert.deepEqual(await entries(), [{ ...audit, items: 2 }])
    await worker.add(two, NOW_MS, { audit: by('mail m1 again') })
    const late = { sesId: 'm2', deadlineMs: NOW_MS }
    const forecast = { nowMonoMs: 0, spacingMs: 1000, marginMs: 60_000 }
    const [refused] = await worker.add([request(late)], NOW_MS, { forecast, audit: by('mail m2') })
    assert.equal(refused?.outcome, 'overloaded')
    assert.equal((await entries()).length, 1)
  })
})
