import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { QueueError } from '../../src/errors'
import type { Cap } from '../../src/policy/decision'
import type { Submitted } from '../../src/queue/job'
import { Database } from '../../src/queue/sqlite/database'
import {
  openDispatcherQueue,
  openQueueReader,
  openWorkerQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { ahead, counted, HOUR_MS, known, request, silentMs, takeLead, temporaryFolder } from './support'

describe('queue, the workers side', () => {
  let file: string
  let queue: SqliteWorkerQueue
  let remove: () => void

  beforeEach(() => {
    const { folder, remove: removeFolder } = temporaryFolder()
    remove = removeFolder
    file = path.join(folder, 'deep', 'queue.sqlite')
    queue = openWorkerQueue(file, { create: true })
  })
  afterEach(() => {
    queue.close()
    remove()
  })

  function jobs() {
    const reader = openQueueReader(file)
    try {
      return [...reader.jobs()]
    } finally {
      reader.close()
    }
  }

  it('keeps what was added, with its history, for another process to read', () => {
    const [added] = queue.add([request({ sesId: 'a', explanation: 'No.' })], 5)
    assert.equal(added?.outcome, 'added')
    const [job] = jobs()
    assert.equal(job?.id, added?.jobId)
    assert.equal(job?.state, 'queued')
    assert.equal(job?.explanation, 'No.')
    assert.equal(job?.createdAtMs, 5)
    assert.deepEqual(
      job?.recipients.map(recipient => recipient.address),
      ['user@yours.example'],
    )
    const reader = openQueueReader(file)
    assert.deepEqual(
      reader.history(job?.id ?? '').map(event => event.what),
      ['queued'],
    )
    reader.close()
  })

  it('gives its files to nobody else (mode 0600)', () => {
    queue.add([request()], 0)
    for (const suffix of ['', '-wal', '-shm'])
      assert.equal(statSync(file + suffix).mode & 0o777, 0o600, suffix)
  })

  it('puts recipients of one mail into one job while region, bounce sender and explanation agree', () => {
    const first = request({ sesId: 'a' })
    queue.add([first], 0)
    const outcomes = [
      queue.add([request({ sesId: 'a', recipient: { address: 'other@yours.example' } })], 1),
      queue.add(
        [request({ sesId: 'a', explanation: 'Why', recipient: { address: 'third@yours.example' } })],
        2,
      ),
      queue.add(
        [request({ sesId: 'a', bounceSender: 'x@yours.example', recipient: { address: '4@yours.example' } })],
        3,
      ),
      queue.add([request({ sesId: 'a', region: 'us-east-1', recipient: { address: '5@yours.example' } })], 4),
      queue.add([request({ sesId: 'b', recipient: { address: 'other@yours.example' } })], 5),
    ].map(([added]) => added?.outcome)
    assert.deepEqual(outcomes, ['joined', 'added', 'added', 'added', 'added'])
    assert.equal(
      jobs().find(job => job.recipients.length === 2)?.recipients[1]?.address,
      'other@yours.example',
    )
  })

  it('never adds the same recipient of a mail twice, however its address is written', () => {
    const [added] = queue.add([request({ sesId: 'a', recipient: { address: 'User@Yours.Example' } })], 0)
    const [again] = queue.add([request({ sesId: 'a', recipient: { address: '"user"@yours.example' } })], 1)
    assert.deepEqual(again, {
      address: '"user"@yours.example',
      jobId: added?.jobId,
      outcome: 'known',
      state: 'queued',
      rule: 'unknown-mailbox',
      createdAtMs: 0,
    })
    assert.equal(known(queue, 'a').get('user@yours.example')?.jobId, added?.jobId)
    assert.equal(jobs().length, 1)
  })

  it('adds nothing of a mail when the bounce of a recipient has ended meanwhile', () => {
    queue.add([request({ sesId: 'a', deadlineMs: 10 })], 0)
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    assert.equal(dispatcher.expire('eu-west-1', 1000, 0).length, 1)
    dispatcher.close()
    assert.equal(known(queue, 'a').get('user@yours.example')?.state, 'expired')
    const fresh = request({ sesId: 'a', recipient: { address: 'new@yours.example' } })
    const results = queue.add([fresh, request({ sesId: 'a' })], 2000)
    assert.deepEqual(
      results.map(({ outcome, jobId, state }) => [outcome, jobId !== undefined, state]),
      [
        ['added', false, undefined],
        ['ended', true, 'expired'],
      ],
    )
    assert.equal(jobs().length, 1)
  })

  describe('with a cap', () => {
    const DAY_MS = 24 * HOUR_MS
    const perSender = (count: number): Cap => ({
      by: 'sender',
      key: 'sender@origin.example',
      rate: { count, perMs: DAY_MS },
    })
    const outcomes = (results: readonly Submitted[]) => results.map(({ outcome }) => outcome)

    it('counts jobs of a sender and a domain and recipients of a rule, over a window that slides', () => {
      const rate = { count: 10, perMs: DAY_MS }
      const counts = (nowMs: number) =>
        (
          [
            ['sender', 'sender@origin.example'],
            ['domain', 'origin.example'],
            ['rule', 'unknown-mailbox'],
          ] as const
        ).map(([by, key]) => counted(queue, { by, key, rate }, nowMs))
      queue.add(
        [request({ sesId: 'a' }), request({ sesId: 'a', recipient: { address: 'second@yours.example' } })],
        1000,
      )
      queue.add([request({ sender: 'prvs=0123=sender@origin.example' })], 2000)
      queue.add([request({ sender: 'other@origin.example', rule: 'other' })], 3000)
      assert.deepEqual(counts(4000), [2, 3, 3])
      assert.deepEqual(counts(1000 + DAY_MS), [1, 2, 1])
      assert.deepEqual(counts(3000 + DAY_MS), [0, 0, 0])
      assert.equal(counted(queue, perSender(1), 4000), 1, 'not further than the cap')
    })

    it('adds nothing of a mail over a cap, whichever worker was faster', () => {
      const other = openWorkerQueue(file)
      queue.add([request({ caps: [perSender(2)] })], 0)
      other.add([request({ caps: [perSender(2)] })], 0)
      assert.deepEqual(outcomes(queue.add([request({ caps: [perSender(2)] })], 1)), ['capped'])
      other.close()
      assert.equal(jobs().length, 2)
      assert.equal(queue.add([request({ caps: [perSender(2)] })], DAY_MS)[0]?.outcome, 'added')
    })

    it('lets recipients join a call that is counted, and counts each for the rule', () => {
      const cap: Cap = { by: 'rule', key: 'unknown-mailbox', rate: { count: 2, perMs: DAY_MS } }
      const to = (address: string, caps: Cap[]) => request({ sesId: 'a', recipient: { address }, caps })
      queue.add([to('a@yours.example', [perSender(1), cap]), to('b@yours.example', [perSender(1), cap])], 0)
      assert.deepEqual(outcomes(queue.add([to('c@yours.example', [cap])], 0)), ['capped'])
      assert.equal(jobs()[0]?.recipients.length, 2)
    })
  })

  it('counts the jobs that go before a deadline, per region, and knows when its last call starts', () => {
    for (const hours of [1, 2, 3]) queue.add([request({ deadlineMs: hours * HOUR_MS })], 0)
    queue.add([request({ region: 'us-east-1' })], 0)
    assert.deepEqual(ahead(queue, 'eu-west-1', 2 * HOUR_MS, 7), {
      jobs: 2,
      laterMs: 3 * HOUR_MS,
      spacingMs: 0,
      sinceLastStartMs: Infinity,
    })
    assert.equal(ahead(queue, 'us-east-1', 2 * HOUR_MS, 7).jobs, 0)
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    dispatcher.claim(
      'eu-west-1',
      { ms: 0, monoMs: 50 },
      { spacingMs: 9, notBeforeMonoMs: 60, longestPauseMs: 0 },
    )
    dispatcher.close()
    assert.deepEqual(ahead(queue, 'eu-west-1', 2 * HOUR_MS, 7), {
      jobs: 1,
      laterMs: 3 * HOUR_MS,
      spacingMs: 0,
      sinceLastStartMs: -53,
    })
  })

  it('knows for how long there was no dispatcher heartbeat, also after its end', () => {
    assert.equal(silentMs(queue, 99), Infinity)
    const dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher, 5)
    dispatcher.heartbeat(70)
    dispatcher.giveUpLead()
    dispatcher.close()
    assert.equal(silentMs(queue, 99), 29)
  })

  it('refuses for now, within half a second, while another process keeps the file locked', () => {
    const other = new Database(file, { busyMs: 0, create: false })
    const started = performance.now()
    other.write(() =>
      assert.throws(
        () => queue.add([request()], 0),
        (error: unknown) => error instanceof QueueError && error.code === 'QUEUE_BUSY',
      ),
    )
    other.close()
    // much more than half a second, as the machine may be busy, and much less than others wait
    assert.ok(performance.now() - started < 10_000)
    assert.equal(queue.add([request()], 0).length, 1)
  })
})

describe('a queue file that can not be used', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  beforeEach(() => {
    temporary = temporaryFolder()
  })
  afterEach(() => temporary.remove())

  function refusal(file: string, code: string): QueueError {
    let caught: unknown
    try {
      openWorkerQueue(file, { create: true })
    } catch (error) {
      caught = error
    }
    assert.ok(caught instanceof QueueError)
    assert.equal(caught.code, code)
    assert.ok(caught.message.startsWith(`${file}: `), caught.message)
    return caught
  }

  it('is refused when it is no database, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    writeFileSync(file, 'not a database, but somebody may want it\n'.repeat(200))
    const before = readFileSync(file)
    assert.match(refusal(file, 'QUEUE_UNREADABLE').message, /left as it is/)
    assert.deepEqual(readFileSync(file), before)
  })

  it('leaves no file open, however often it is tried', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    writeFileSync(file, 'not a database\n'.repeat(500))
    const open = () => readdirSync('/proc/self/fd').length
    refusal(file, 'QUEUE_UNREADABLE')
    const before = open()
    for (let n = 0; n < 20; n++) refusal(file, 'QUEUE_UNREADABLE')
    assert.ok(open() <= before + 2, `${open() - before} handles more`)
  })

  it('is refused when its pages are damaged, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    const queue = openWorkerQueue(file, { create: true })
    queue.add([request()], 0)
    queue.close()
    const database = new Database(file, { busyMs: 0, create: false })
    database.pragma('wal_checkpoint(TRUNCATE)')
    database.close()
    const bytes = readFileSync(file)
    bytes.fill(0xff, 4096, 5 * 4096)
    writeFileSync(file, bytes)
    assert.throws(() => new Database(file, { busyMs: 0, create: true }).check(), /damaged/)
    assert.deepEqual(readFileSync(file), bytes)
  })

  it('is refused when a newer version made it, and left as it is', () => {
    const file = path.join(temporary.folder, 'queue.sqlite')
    const database = new Database(file, { busyMs: 0, create: true })
    database.pragma('user_version = 99')
    database.close()
    assert.match(refusal(file, 'QUEUE_NEWER').message, /version 99/)
  })

  it('is refused when its folder can not be made', () => {
    writeFileSync(path.join(temporary.folder, 'file'), '')
    refusal(path.join(temporary.folder, 'file', 'queue.sqlite'), 'QUEUE_UNWRITABLE')
  })
})
