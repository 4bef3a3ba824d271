// The page's counts and links: a link leads somewhere, and to as many jobs as it says. So do the counts of the commands.

import assert from 'node:assert/strict'
import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { openCounterStore } from '../../src/queue/sqlite/open'
import { byHand } from '../queue/by-hand-calls'
import { HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS, startApi } from './api-support'
import { bearer } from './support'

const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const EU = 'eu-west-1'

describe('the links of the status page', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  async function get(path: string): Promise<string> {
    const response = await fetch(api.url + path, { headers: bearer })
    assert.equal(response.status, 200, path)
    return response.text()
  }
  const linksOf = (text: string) =>
    [...text.matchAll(/href="\/ses-bounce(\/[^"]*)"/g)].map(([, link = '']) => link.replaceAll('&amp;', '&'))
  const jobsOf = (text: string) =>
    [...text.matchAll(/<td class="nowrap" data-column="Job">.*?>(\w+)<\/a>/g)].map(([, id]) => id)

  const add = (sesId: string, changes: Parameters<typeof request>[0] = {}): string =>
    api.queue.add([request({ sesId, deadlineMs: NOW_MS + 20 * HOUR_MS, ...changes })], NOW_MS)[0]?.jobId ?? ''

  function call(state: 'sent' | 'failed'): void {
    const now = { ms: NOW_MS, monoMs: api.clock.monoMs }
    const claim = api.dispatcher.claim(EU, now, SPACING) ?? assert.fail()
    api.dispatcher.begin(claim, now)
    const effect =
      state === 'sent'
        ? ({ state, messageId: 'm', detail: 'd' } as const)
        : ({ state, detail: '400 X: no' } as const)
    api.dispatcher.settle(claim, effect, { ms: NOW_MS, seenMonoMs: now.monoMs })
  }

  /** More of each state than a list shows, but for the last. */
  function fillStates(): void {
    let made = 0
    const next = () => add(`mail ${made++}`)
    for (let n = 0; n < 61; n++) {
      next()
      call('sent')
    }
    for (let n = 0; n < 53; n++) {
      next()
      call('failed')
    }
    for (let n = 0; n < 52; n++) byHand(api.operator).cancel(next(), NOW_MS)
    for (let n = 0; n < 2; n++) byHand(api.operator).hold(next(), NOW_MS)
    for (let n = 0; n < 120; n++) next()
  }

  it('lead to as many jobs of each state as their numbers say, page by page, none twice', async () => {
    fillStates()
    const first = await get('/')
    const tiles = [
      ...first.matchAll(/href="\/ses-bounce(\/search\?state=(\w+))" aria-label="([\d,]+) \w+">([\d,]+)</g),
    ]
    assert.equal(tiles.length, 7)
    const counts: Record<string, number> = {}
    for (const [, link = '', state = '', label, number = ''] of tiles) {
      assert.equal(label, number)
      counts[state] = Number(number.replaceAll(',', ''))
      const seen: unknown[] = []
      for (let next: string | undefined = link; next !== undefined; ) {
        const text = await get(next)
        assert.match(text, new RegExp(` of ${number}\\.`), next)
        seen.push(...jobsOf(text))
        next = linksOf(text).find(one => one.includes('before='))
      }
      assert.equal(seen.length, counts[state], state)
      assert.equal(new Set(seen).size, seen.length, state)
    }
    assert.deepEqual(counts, {
      queued: 120,
      sending: 0,
      sent: 61,
      failed: 53,
      expired: 0,
      held: 2,
      cancelled: 52,
    })
  })

  it('lead to the jobs that were lost in the last hour', async () => {
    fillStates()
    const text = await get('/')
    const [, link = '', number] = /href="\/ses-bounce(\/lost[^"]*)">(\d+) jobs</.exec(text) ?? assert.fail()
    assert.equal(number, '53')
    const lost = await get(link)
    assert.match(lost, /53 failed or expired since/)
    assert.equal(jobsOf(lost).length, 53)
  })

  it('of recent decisions say what came of each, and lead to a job only where there is one', async () => {
    const sent = add('mail 1')
    call('sent')
    const failed = add('mail 2')
    call('failed')
    const queued = add('mail 3')
    const metricsBuffer = new MetricsBuffer()
    const note = {
      atMs: NOW_MS,
      sender: 's@origin.example',
      recipient: 'user@yours.example',
      isObserved: false,
    }
    const bounce = { ...note, rule: 'r', action: 'bounce' as const }
    for (const one of [
      { ...bounce, sesId: 'mail 1' },
      { ...bounce, sesId: 'mail 2' },
      { ...bounce, sesId: 'mail 3' },
      { ...bounce, sesId: 'mail 3', isDuplicate: true as const },
      { ...bounce, sesId: 'forgotten' },
      { ...bounce, sesId: 'mail 1', isObserved: true },
      { ...note, sesId: 'mail 4', rule: 'r', action: 'quarantine' as const, reason: 'unsafe' as const },
      { ...note, rule: 'r', action: 'reject' as const },
    ])
      metricsBuffer.decided(one)
    const store = openCounterStore(api.file)
    metricsBuffer.flushTo(counted => store.add(counted))
    store.close()
    const text = await get('/')
    const [, table = ''] = /id="decisions"(.*?)<\/section>/s.exec(text) ?? []
    const rows = table.split('<tr>').slice(2).toReversed()
    const badgeOf = (row: string) =>
      /data-column="Outcome">(?:<a href="\/ses-bounce\/jobs\/(\w+)">)?<span class="badge [\w ]+">(\w+)</
        .exec(row)
        ?.slice(1)
    assert.deepEqual(rows.map(badgeOf), [
      [sent, 'sent'],
      [failed, 'failed'],
      [queued, 'queued'],
      [queued, 'duplicate'],
      [undefined, 'bounce'],
      [undefined, 'bounce'],
      [undefined, 'quarantined'],
      [undefined, 'rejected'],
    ])
    assert.match(rows[5] ?? '', /observed/)
    const links = linksOf(table)
    assert.ok(!links.some(link => /forgotten|mail%204/.test(link)), links.join(' '))
  })

  it('are none of them dead, on the first page and on those behind it', async () => {
    fillStates()
    const seen = new Set<string>()
    const open = ['/']
    for (let path = open.pop(); path !== undefined; path = open.pop()) {
      if (seen.has(path)) continue
      seen.add(path)
      const response = await fetch(api.url + path, { headers: bearer })
      assert.equal(response.status, 200, path)
      const text = await response.text()
      if (path.startsWith('/search?q=')) assert.doesNotMatch(text, /: 0 found/, path)
      if (path.startsWith('/jobs/') || path.startsWith('/search?q=')) continue
      open.push(...linksOf(text))
      for (const [, id] of text.matchAll(/href="#([^"]+)"/g))
        assert.ok(text.includes(`id="${id}"`), `${path}#${id}`)
    }
    assert.ok(seen.size > 100, `${seen.size} pages`)
    const job = linksOf(await get('/')).find(link => link.startsWith('/jobs/')) ?? assert.fail()
    for (const link of linksOf(await get(job))) assert.doesNotMatch(await get(link), /: 0 found/, link)
  })
})
