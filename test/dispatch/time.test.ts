import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import type { Outcome } from '../../src/dispatch/outcomes'
import { createSes, type Ses } from '../../src/dispatch/ses'
import { LOCAL_CREDENTIALS, startLocalSes } from '../../src/local-ses/server'
import type { Job } from '../../src/queue/job'
import { openDispatcherQueue } from '../../src/queue/sqlite/dispatcher-queue'
import { thisProcess } from '../../src/queue/sqlite/holder'
import { openQueueReader } from '../../src/queue/sqlite/reader'
import { openWorkerQueue } from '../../src/queue/sqlite/worker-queue'
import type { DispatcherQueue, WorkerQueue } from '../../src/queue/store'
import { loadSettings, parseSettings } from '../../src/settings/load'
import { newSesId } from '../live/support/mail'
import { until } from '../live/support/wait'
import { request, temporaryFolder } from '../queue/support'
import { World } from './world'

const SECOND_MS = 1000
const MINUTE_MS = 60 * SECOND_MS
const HOUR_MS = 60 * MINUTE_MS
const MARGIN_MS = MINUTE_MS
const SPACING_MS = 1005
const INI = `[limit]\ninterval = 1s\nslack = 5ms\n[window]\nmargin = 1m\n[queue]\nretry = 2s..1m\n`
/** A clock that was set back by less than the longest pause can't be told from a pause: it is waited for, once each. */
const LONGEST_WAIT_MS = 50 * MINUTE_MS
/** No process has it: Linux gives at most 2^22 (proc(5), pid_max). */
const DEAD_PID = 2 ** 30

/** How long: `RUNS=1000 npx mocha test/dispatch/time.test.ts` */
const RUNS = Number(process.env['RUNS'] ?? 8)

const events = fc.record({
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

const answers = fc.record({
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
  region: 'eu-west-1' as const,
  bounceSender: 'a@yours.example' as const,
  mails: 4,
  windowMs: 3 * HOUR_MS,
}
const SET_BACK_BETWEEN_CALLS = [
  { afterMs: 0, what: FOUR_MAILS },
  { afterMs: 1500, what: { do: 'set the clock' as const, byMs: -HOUR_MS } },
]

type Event = typeof events extends fc.Arbitrary<infer T> ? T : never
type Scripted = typeof answers extends fc.Arbitrary<infer T> ? T : never

describe('whatever becomes of time', function () {
  this.timeout(60_000 + RUNS * 4000)

  it('calls keep their distance, nothing expires before its time by the clock, and every job ends', async () => {
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
      { numRuns: RUNS, endOnFailure: true, examples: [[SET_BACK_BETWEEN_CALLS, []]] },
    )
  })

  it('SES finds the signature of a machine an hour off too old: its bounces wait, and go out', async () => {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    const worker = openWorkerQueue(file, { create: true })
    let skewMs = 0
    const local = await startLocalSes({ intervalMs: 0, clock: () => Date.now() + skewMs })
    const options = { endpoint: local.url, timeoutMs: 60_000, credentials: LOCAL_CREDENTIALS }
    const ses = createSes(
      () => options,
      () => systemClock.monoMs(),
    )
    const { settings } = loadSettings(parseSettings('[limit]\ninterval = 20ms\nslack = 0ms\n'), {})
    const queue = openDispatcherQueue(file)
    const dispatcher = new Dispatcher({
      queue,
      ses,
      clock: systemClock,
      settings: () => ({ ...settings, queue: { ...settings.queue, retryFirstMs: 50, retryLongestMs: 100 } }),
      holder: thisProcess(),
      log: () => undefined,
      blockedPauseMs: 200,
    })
    const running = dispatcher.run()
    try {
      for (const [n, ms] of [0, HOUR_MS, -HOUR_MS].entries()) {
        skewMs = ms
        const nowMs = Date.now()
        for (let mails = 0; mails < 3; mails++)
          worker.add(
            [request({ sesId: newSesId(), receivedAtMs: nowMs, deadlineMs: nowMs + 10 * HOUR_MS })],
            nowMs,
          )
        await until(() => jobsOf(file).filter(({ state }) => state === 'sent').length === 3 * (n + 1), {
          what: 'three bounces more',
        })
      }
      const refused = local.calls.filter(({ outcome }) => outcome.status !== 200)
      assert.deepEqual(
        refused.map(({ outcome }) => outcome.code),
        ['SignatureDoesNotMatch', 'SignatureDoesNotMatch'],
        'one for each time that the clock was wrong: the SDK goes by the time that SES tells',
      )
    } finally {
      dispatcher.stop()
      await running
      ses.close()
      queue.close()
      worker.close()
      await local.close()
      remove()
    }
  })
})

/** The real dispatcher on the real store, and what must be true of it. */
class Machine {
  readonly #world = new World()
  readonly #home = temporaryFolder()
  readonly #file = path.join(this.#home.folder, 'queue.sqlite')
  readonly #worker: WorkerQueue = openWorkerQueue(this.#file, { create: true })
  readonly #reader = openQueueReader(this.#file)
  readonly #settings = loadSettings(parseSettings(INI), {}).settings
  /** What SES does with the next calls; then it makes every bounce. */
  readonly #scripted: Scripted[]
  /** True time of the last call, by region. */
  readonly #lastCallMs = new Map<string, number>()
  /** What must not be. */
  readonly #wrong: string[] = []
  #deaths = 0
  #bounces = 0
  #taken = 0
  #running: { dispatcher: Dispatcher; queue: DispatcherQueue; ended: Promise<void> } | undefined

  constructor(scripted: readonly Scripted[]) {
    this.#scripted = [...scripted]
  }

  async live(script: readonly Event[]): Promise<void> {
    this.#start()
    for (const { afterMs, what } of script) {
      await this.#world.run(() => false, afterMs)
      this.#happen(what)
    }
    const isOver = await this.#world.run(() => !this.#waits() || this.#wrong.length > 0, LONGEST_WAIT_MS)
    assert.deepEqual(this.#wrong, [])
    assert.ok(isOver, `these wait for ever: ${JSON.stringify([...this.#reader.jobs({ state: 'queued' })])}`)
    const { sent } = this.#reader.countByState()
    assert.ok(this.#bounces >= sent && this.#bounces <= this.#taken + this.#deaths, 'no bounce twice')
  }

  async close(): Promise<void> {
    const running = this.#running
    running?.dispatcher.stop()
    let hasEnded = false
    void running?.ended.then(() => (hasEnded = true))
    if (running) assert.ok(await this.#world.run(() => hasEnded, MINUTE_MS), 'the dispatcher ends')
    running?.queue.close()
    this.#worker.close()
    this.#reader.close()
    this.#home.remove()
  }

  #happen(what: Event['what']): void {
    const world = this.#world
    switch (what.do) {
      case 'add':
        for (let n = 0; n < what.mails; n++) this.#add(what)
        break
      case 'set the clock':
        world.setWallClock(what.byMs)
        break
      case 'stand still':
        world.standStill(what.ms)
        break
      case 'sleep':
        world.sleep(what.ms)
        break
      case 'kill':
      case 'reboot':
        if (what.do === 'kill') world.killAll()
        else world.startAgain()
        this.#running?.queue.close()
        this.#deaths += 1
        this.#start()
    }
  }

  #add({ region, bounceSender, windowMs }: Extract<Event['what'], { do: 'add' }>): void {
    const nowMs = this.#world.nowMs()
    this.#taken += 1
    const sesId = `mail${this.#taken}`
    this.#worker.add(
      [request({ sesId, region, bounceSender, receivedAtMs: nowMs, deadlineMs: nowMs + windowMs })],
      nowMs,
    )
  }

  #start(): void {
    const queue = openDispatcherQueue(this.#file)
    const dispatcher = new Dispatcher({
      queue: this.#watched(queue),
      ses: this.#ses(),
      clock: this.#world,
      settings: () => this.#settings,
      holder: {
        ...thisProcess(),
        pid: DEAD_PID,
        pidStart: 'dead as soon as another one asks',
        bootId: this.#world.bootId,
      },
      log: () => undefined,
    })
    const ended = dispatcher.run().catch((error: unknown) => void this.#wrong.push(String(error)))
    this.#running = { dispatcher, queue, ended }
  }

  #watched(queue: DispatcherQueue): DispatcherQueue {
    const expire = queue.expire.bind(queue)
    queue.expire = (...parameters) => {
      const expired = expire(...parameters)
      const nowMs = this.#world.nowMs()
      for (const { id, deadlineMs } of expired) {
        if (deadlineMs - MARGIN_MS >= nowMs)
          this.#wrong.push(`${id} expired ${deadlineMs - MARGIN_MS - nowMs} ms before its time`)
      }
      return expired
    }
    return queue
  }

  #ses(): Ses {
    const world = this.#world
    return {
      sendBounce: region => {
        const gapMs = world.trueMs - (this.#lastCallMs.get(region) ?? Number.NEGATIVE_INFINITY)
        this.#lastCallMs.set(region, world.trueMs)
        if (gapMs < SPACING_MS) this.#wrong.push(`a call ${gapMs} ms after the one before`)
        const { latencyMs, outcome } = this.#scripted.shift() ?? {
          latencyMs: 50,
          outcome: { kind: 'sent', messageId: 'bounce' },
        }
        if (outcome.kind === 'sent') this.#bounces += 1
        const seenMonoMs = world.monoMs()
        return new Promise(resolve => world.after(latencyMs, () => resolve({ outcome, seenMonoMs })))
      },
      warmUp: () => Promise.resolve(),
      close: () => undefined,
    }
  }

  #waits(): boolean {
    const { queued, sending } = this.#reader.countByState()
    return queued + sending > 0
  }
}

function jobsOf(file: string): Job[] {
  const reader = openQueueReader(file)
  try {
    return [...reader.jobs()]
  } finally {
    reader.close()
  }
}
