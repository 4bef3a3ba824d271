import assert from 'node:assert/strict'
import { setImmediate } from 'node:timers/promises'
import { watchHosts } from '../../src/app/host-watch'
import type { HostNote, HostRegister, SeenHosts } from '../../src/queue/hosts'
import type { HostStats } from '../../src/queue/stats'

const host = (name: string, changes: Partial<HostStats> = {}): HostStats => ({
  id: name,
  name,
  version: '1.0.0',
  config: 'same',
  startedMs: 0,
  seenMs: 0,
  silentMs: 0,
  skewMs: 0,
  ...changes,
})

describe('a host that shares its queue', () => {
  let lines: string[]
  let notes: HostNote[]
  let tidied: number
  let gone: string[]
  let nowMs: number
  let answer: SeenHosts | Error
  /** Resolves when the host has told of itself once more. */
  let told: () => Promise<void>
  let stop: () => Promise<void>

  beforeEach(() => {
    lines = []
    notes = []
    tidied = 0
    gone = []
    nowMs = 0
    answer = { hosts: [], skewMs: 0 }
    const register: HostRegister = {
      seen: note => {
        notes.push(note)
        if (answer instanceof Error) throw answer
        return answer
      },
      gone: id => void gone.push(id),
      tidy: () => void tidied++,
      close: () => undefined,
    }
    const watch = watchHosts({
      open: () => register,
      name: 'web-1',
      version: '1.0.0',
      config: () => 'same',
      log: (level, message) => lines.push(`${level}: ${message}`),
      monoMs: () => nowMs,
      everyMs: 1,
    })
    told = async () => {
      const before = notes.length
      // the look that is under way may have begun with the earlier answer
      while (notes.length < before + 2) await setImmediate()
    }
    stop = () => watch.stop()
  })

  afterEach(() => stop())

  it('tells of itself by one id until it stops', async () => {
    await told()
    await stop()
    const [first] = notes
    assert.ok(
      notes.every(({ id, name, config }) => id === first?.id && name === 'web-1' && config === 'same'),
    )
    assert.deepEqual(gone, [first?.id])
  })

  it("warns once of a clock that isn't the queue's, and says when it is right again", async () => {
    for (const skewMs of [3_600_000, 3_600_400, 1500, 200, 100]) {
      answer = { hosts: [], skewMs }
      await told()
    }
    answer = { hosts: [], skewMs: -7000 }
    await told()
    assert.deepEqual(lines, [
      "warn: this host's clock is 3600 s ahead of the queue's; the queue's counts",
      "notice: this host's clock is right again: it agrees with the queue's",
      "warn: this host's clock is 7 s behind the queue's; the queue's counts",
    ])
  })

  describe('and leads', () => {
    const seen = (...others: HostStats[]): SeenHosts => ({
      hosts: [host('web-1'), ...others],
      leader: 'web-1',
      skewMs: 0,
    })

    it('warns once of a host whose files have differed for 10 minutes', async () => {
      answer = seen(host('web-7', { config: 'other' }), host('web-8'))
      await told()
      nowMs = 599_000
      await told()
      assert.deepEqual(lines, [])
      nowMs = 600_000
      await told()
      await told()
      assert.deepEqual(lines, ['warn: host web-7 has another configuration than this one, for 10 minutes'])
    })

    it('begins anew when the files have been the same meanwhile', async () => {
      answer = seen(host('web-7', { config: 'other' }))
      await told()
      nowMs = 500_000
      answer = seen(host('web-7'))
      await told()
      answer = seen(host('web-7', { config: 'other' }))
      await told()
      nowMs = 1_000_000
      await told()
      assert.deepEqual(lines, [])
    })

    it('says nothing of a host that is gone', async () => {
      answer = seen(host('web-7', { config: 'other', silentMs: 61_000 }))
      await told()
      nowMs = 600_000
      await told()
      assert.deepEqual(lines, [])
    })

    it('tidies up once an hour', async () => {
      answer = seen()
      await told()
      await told()
      assert.equal(tidied, 1)
      nowMs = 3_600_000
      await told()
      assert.equal(tidied, 2)
    })
  })

  it('says nothing of the files of others while another host leads', async () => {
    answer = { hosts: [host('web-7', { config: 'other' })], leader: 'web-7', skewMs: 0 }
    await told()
    nowMs = 600_000
    await told()
    assert.deepEqual([lines, tidied], [[], 0])
  })

  it('goes on when the database is away for a while', async () => {
    answer = new Error('no answer within 2000 ms')
    await told()
    answer = { hosts: [], skewMs: 60_000 }
    await told()
    assert.equal(lines.length, 1)
  })
})
