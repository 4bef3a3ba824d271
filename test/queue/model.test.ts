import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { BounceRequest } from '../../src/policy/decision'
import type { QueueReader } from '../../src/queue/operator'
import type { Claim, DispatcherQueue, Effect, Eventually, Lead, WorkerQueue } from '../../src/queue/store'
import { key } from '../units'
import { allOf } from './any-engine'
import { ENGINES, type Store } from './engines'
import { type ModelJob, ModelQueue } from './model'
import { request } from './support'

/** The second is the lane of an account. */
const REGIONS = ['eu-west-1', '123456789012/us-east-1'] as const
const SENDERS = ['a@one.example', 'b@one.example', 'c@two.example'] as const
const SPACING_MS = 700
const SPACING = { spacingMs: SPACING_MS, notBeforeMonoMs: 0, longestPauseMs: 1e9, marginMs: 0 }
/** A silent dispatcher has lost the lead at once. */
const LIMITS = { staleMs: 0, unknownTries: 3, interruptions: 2 }
const CAP_MS = 20_000

/** How long: `RUNS=1000 npx mocha test/queue/model.test.ts` */
const RUNS = Number(process.env['RUNS'] ?? 20)

for (const { name, makeStore, runs } of ENGINES) {
  describe(`the queue of ${name}`, function () {
    this.timeout(300_000 + RUNS * 5000)

    it('agrees with a plain list in memory, whatever is done to it, closed and opened in between', async () => {
      const done = new Map<string, number>()
      await fc.assert(
        fc.asyncProperty(fc.array(commands, { minLength: 30, maxLength: 90 }), async script => {
          const queues = await Queues.open(await makeStore())
          try {
            await queues.begin()
            for (const command of script) {
              const what = await queues.run(command)
              for (const one of command.isLost ? [what, 'repeated'] : [what])
                done.set(one, (done.get(one) ?? 0) + 1)
              await queues.compare()
            }
          } finally {
            await queues.close()
          }
        }),
        // shrinking opens more files than a process may
        {
          numRuns: EXAMPLES.length + runs(RUNS),
          endOnFailure: true,
          examples: EXAMPLES,
        },
      )
      for (const what of [
        'added',
        'joined',
        'known',
        'ended',
        'capped',
        ...SETTLED,
        'recovered',
        'repeated',
      ]) {
        assert.ok(done.has(what), `${what} must have been tried: ${[...done.keys()].join()}`)
      }
    })
  })
}

const SETTLED = [
  'sent',
  'failed',
  'split',
  'held',
  'retry',
  'unknown outcome',
  'blocked',
  'released',
] as const

const steps = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('add' as const),
      mail: fc.nat(3),
      recipients: fc.array(
        fc.record({
          user: fc.constantFrom(
            'x@yours.example',
            'y@yours.example',
            'z@yours.example',
            'X@yours.example',
            'v@yours.example',
            'w@yours.example',
          ),
          text: fc.constantFrom(undefined, 'No.'),
          rule: fc.constantFrom('one', 'two'),
          isUnconfirmed: fc.constantFrom(false, false, false, false, false, false, true),
        }),
        { minLength: 1, maxLength: 3 },
      ),
      cap: fc.constantFrom(2, 3, 50, 50, 50),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('claim' as const), region: fc.constantFrom(...REGIONS) }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('begin' as const), which: fc.nat() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('settle' as const),
      which: fc.nat(),
      how: fc.constantFrom(...SETTLED),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('expire' as const), region: fc.constantFrom(...REGIONS) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.nat(4000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('prune' as const), ms: fc.nat(30_000) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('reopen' as const, 'die' as const) }) },
)
type Step = typeof steps extends fc.Arbitrary<infer T> ? T : never

/** The answers of some commands are lost, and the commands are repeated. */
const commands = fc.record({ step: steps, isLost: fc.constantFrom(false, false, false, true) })
type Command = typeof commands extends fc.Arbitrary<infer T> ? T : never

function add(mail: number, users: readonly ('v' | 'x' | 'y' | 'z')[], cap: 2 | 50 = 50): Step {
  const one = { text: undefined, rule: 'one', isUnconfirmed: false } as const
  return { do: 'add', mail, recipients: users.map(user => ({ ...one, user: `${user}@yours.example` })), cap }
}

const CLAIM: Step = { do: 'claim', region: REGIONS[0] }
const CALL: Step[] = [CLAIM, { do: 'begin', which: 0 }]
const AFTER_PAUSE: Step = { do: 'wait', ms: 4000 }
const settle = (how: (typeof SETTLED)[number]): Step => ({ do: 'settle', which: 0, how })

/** Steps that chance alone might leave out: every outcome of a step. */
const RARE: Step[][] = [
  [add(0, ['x']), ...CALL, { do: 'die' }],
  [
    [add(0, ['x', 'y']), ...CALL, settle('split'), ...CALL, settle('failed'), add(0, ['x'])],
    [...CALL, settle('sent'), add(0, ['y']), add(2, ['x']), add(2, ['y', 'z', 'v'], 2)],
    [...CALL, settle('retry'), AFTER_PAUSE, ...CALL, settle('unknown outcome'), AFTER_PAUSE],
    [CLAIM, settle('released'), ...CALL, settle('blocked'), AFTER_PAUSE, ...CALL, settle('held')],
  ].flat(),
]
const EXAMPLES = RARE.flatMap(script =>
  [false, true].map(isLost => [script.map(step => ({ step, isLost }))] as [Command[]]),
)

/** Both, side by side. */
class Queues {
  readonly #store: Store
  readonly #model = new ModelQueue()
  #worker: WorkerQueue
  #dispatcher: DispatcherQueue
  #reader: QueueReader
  #nowMs = 1_000_000
  #claims: { claim: Claim; job: ModelJob }[] = []

  private constructor(store: Store, worker: WorkerQueue, dispatcher: DispatcherQueue, reader: QueueReader) {
    this.#store = store
    this.#worker = worker
    this.#dispatcher = dispatcher
    this.#reader = reader
  }

  static async open(store: Store): Promise<Queues> {
    return new Queues(store, await store.worker(), await store.dispatcher(), await store.reader())
  }

  /** The first dispatcher finds nothing. */
  async begin(): Promise<void> {
    assert.deepEqual((await this.#takeLead(false)).found, [])
  }

  async close(): Promise<void> {
    await this.#store.remove()
  }

  async #takeLead(isLost: boolean): Promise<Lead> {
    const now = { ms: this.#nowMs, monoMs: this.#nowMs }
    const first = await this.#dispatcher.takeLead(() => now, LIMITS)
    assert.ok(first)
    if (!isLost) return first
    const again = await this.#dispatcher.takeLead(() => now, LIMITS)
    assert.ok(again && again.term > first.term)
    assert.deepEqual(again.found, [])
    return first
  }

  /** The answer to the repetition is the one that a caller has. */
  async #write<T>(isLost: boolean, work: () => Eventually<T>): Promise<T> {
    const first = await work()
    if (!isLost) return first
    const again = await work()
    assert.deepEqual(again, first)
    return again
  }

  /** Runs the command, and returns its outcome. */
  async run({ step, isLost }: Command): Promise<string> {
    this.#nowMs += 7
    const nowMs = this.#nowMs
    const times = isLost ? 2 : 1
    switch (step.do) {
      case 'add': {
        // the repetition is answered as any other mail that comes again
        const came = await this.#add(step)
        if (isLost) await this.#add(step)
        return came
      }
      case 'claim':
        for (let time = 0; time < times; time++) await this.#claim(step.region)
        return 'claimed'
      case 'begin': {
        const open = this.#claims[step.which % (this.#claims.length || 1)]
        if (open === undefined) return 'nothing'
        await this.#write(isLost, () => this.#dispatcher.begin(open.claim, { ms: nowMs, monoMs: nowMs }))
        Object.assign(open.job, { begun: true, changedAtMs: nowMs })
        return 'begun'
      }
      case 'settle':
        return this.#settle(step.which, step.how, isLost)
      case 'expire':
        for (let time = 0; time < times; time++) {
          const expired = await this.#dispatcher.expire(step.region, nowMs, 0)
          const expected = this.#model.expire(step.region, nowMs, nowMs)
          assert.deepEqual(idsOf(expired), idsOf(expected))
        }
        return 'expired'
      case 'wait':
        this.#nowMs += step.ms
        return 'waited'
      case 'prune':
        for (let time = 0; time < times; time++)
          assert.equal(await this.#dispatcher.prune(nowMs - step.ms), this.#model.prune(nowMs - step.ms))
        return 'pruned'
      case 'reopen':
      case 'die':
        return this.#reopen(step.do === 'die', isLost)
    }
  }

  async #claim(region: string): Promise<void> {
    const nowMs = this.#nowMs
    await this.#dispatcher.plan({ nowMs, longestPauseMs: 1e9, forecast: { spacingMs: SPACING_MS } })
    const claim = await this.#dispatcher.claim(region, { ms: nowMs, monoMs: nowMs }, SPACING)
    const job = this.#model.claim(region, nowMs)
    assert.equal(claim?.job.id, job?.id)
    this.#claims = this.#claims.filter(one => one.job !== job && one.job.state === 'sending')
    if (claim && job) this.#claims.push({ claim, job })
  }

  async #add({ mail, recipients, cap }: Extract<Step, { do: 'add' }>): Promise<string> {
    const sender = SENDERS[mail % SENDERS.length] ?? ''
    const senderKey = mail % 2 === 0 ? sender : `${sender} firm${mail % 4}.example`
    const requests = recipients.map(
      ({ user, text, rule, isUnconfirmed }): BounceRequest =>
        request({
          sesId: `mail${mail}`,
          region: REGIONS[mail % 2] ?? '',
          sender,
          senderKey,
          bounceSender: `${mail % 3}@yours.example`,
          // of one mail always the same
          deadlineMs: 1_005_000 + mail * 11_300,
          ...(text !== undefined && { explanation: text }),
          rule,
          caps: [
            { by: 'sender', key: senderKey, rate: { count: cap, perMs: CAP_MS } },
            { by: 'rule', key: rule, rate: { count: cap * 2, perMs: CAP_MS } },
          ],
          recipient: { address: user, ...(isUnconfirmed && { isUnconfirmed }) },
        }),
    )
    const expected = this.#model.add(requests, this.#nowMs)
    const added = await this.#worker.add(requests, this.#nowMs)
    const isWritten = expected.every(({ outcome }) => outcome !== 'ended' && outcome !== 'capped')
    for (const [n, { job, outcome }] of expected.entries()) {
      if (isWritten && outcome === 'added' && job) job.id = added[n]?.jobId ?? ''
    }
    const isThere = (job?: ModelJob) => job !== undefined && job.id !== ''
    assert.deepEqual(
      added.map(({ outcome, jobId, state }) => [outcome, jobId, state]),
      expected.map(({ outcome, job }) =>
        isThere(job) ? [outcome, job?.id, job?.state] : [outcome, undefined, undefined],
      ),
    )
    const refused = expected.find(({ outcome }) => outcome === 'ended' || outcome === 'capped')
    return (refused ?? expected.at(-1))?.outcome ?? ''
  }

  async #settle(which: number, how: (typeof SETTLED)[number], isLost: boolean): Promise<string> {
    const [open] = this.#claims.splice(which % (this.#claims.length || 1), 1)
    if (open === undefined) return 'nothing'
    const { claim, job } = open
    const nowMs = this.#nowMs
    const notBeforeMs = nowMs + 3000
    if (how === 'released') {
      await this.#write(isLost, () => this.#dispatcher.release(claim, nowMs))
      this.#model.end(job, 'queued', nowMs)
      return how
    }
    const { state } = await this.#write(isLost, () =>
      this.#dispatcher.settle(claim, effectOf(how, notBeforeMs), { ms: nowMs, seenMonoMs: nowMs }),
    )
    job.tries += 1
    if (how === 'held' || how === 'unknown outcome') job.unknownTries += 1
    const key = `${job.request.region} ${job.request.bounceSender}`
    if (how === 'sent') this.#model.blocked.delete(key)
    if (how === 'blocked') this.#model.blocked.set(key, notBeforeMs)
    if (how === 'sent' || how === 'held') this.#model.end(job, how, nowMs)
    else if (how !== 'failed' && how !== 'split') {
      job.notBeforeMs = notBeforeMs
      this.#model.end(job, 'queued', nowMs)
    } else if (job.recipients.length === 1) {
      this.#model.end(job, 'failed', nowMs)
      return state
    } else {
      this.#model.split(job, nowMs)
      await this.#nameCopies()
    }
    return how === 'failed' ? state : how === 'split' ? state : how
  }

  /** The store makes up their ids. */
  async #nameCopies(): Promise<void> {
    for (const job of this.#model.jobs) {
      if (job.id !== '') continue
      const { known } = await this.#worker.look({ sesId: job.request.sesId, nowMs: this.#nowMs })
      job.id = known.get(key((job.recipients[0] ?? '').toLowerCase()))?.jobId ?? ''
    }
  }

  async #reopen(dies: boolean, isLost: boolean): Promise<string> {
    const nowMs = this.#nowMs
    await this.#worker.close()
    if (!dies) {
      for (const { claim, job } of this.#claims) {
        await this.#dispatcher.release(claim, nowMs)
        this.#model.end(job, 'queued', nowMs)
      }
      await this.#dispatcher.giveUpLead()
    }
    await this.#dispatcher.close()
    await this.#reader.close()
    this.#worker = await this.#store.worker()
    this.#reader = await this.#store.reader()
    this.#dispatcher = await this.#store.dispatcher()
    const { found } = await this.#takeLead(isLost)
    assert.equal(found.length, dies ? this.#claims.length : 0)
    if (dies) {
      for (const { job } of this.#claims) {
        if (job.begun) Object.assign(job, { tries: job.tries + 1, interruptions: job.interruptions + 1 })
        this.#model.end(
          job,
          job.interruptions >= LIMITS.interruptions && job.begun ? 'held' : 'queued',
          nowMs,
        )
      }
    }
    this.#claims = []
    return found.length > 0 ? 'recovered' : 'reopened'
  }

  async compare(): Promise<void> {
    const jobs = await allOf(this.#reader.jobs())
    const found = jobs.map(job => ({
      id: job.id,
      state: job.state,
      recipients: job.recipients.map(({ address }) => address).toSorted(),
      // nothing joins it
      isUnconfirmed: job.recipients.some(one => one.isUnconfirmed) && job.recipients.length === 1,
      times: [job.createdAtMs, job.changedAtMs, job.notBeforeMs],
      tries: [job.tries, job.unknownTries, job.interruptions],
    }))
    const expected = this.#model.jobs.map(job => ({
      id: job.id,
      state: job.state,
      recipients: job.recipients.toSorted(),
      isUnconfirmed: job.request.recipient.isUnconfirmed ?? false,
      times: [job.createdAtMs, job.changedAtMs, job.notBeforeMs],
      tries: [job.tries, job.unknownTries, job.interruptions],
    }))
    const byId = (a: { id: string }, b: { id: string }) => (a.id < b.id ? -1 : 1)
    assert.deepEqual(found.toSorted(byId), expected.toSorted(byId))
    await this.#compareViews()
  }

  async #compareViews(): Promise<void> {
    const nowMs = this.#nowMs
    await this.#dispatcher.plan({ nowMs, longestPauseMs: 1e9, forecast: { spacingMs: SPACING_MS } })
    const caps = CAPS.map(([by, key]) => ({ by, key, rate: { count: 1e6, perMs: CAP_MS } }))
    const expectedCounts = CAPS.map(([by, key]) => this.#model.counted(by, key, CAP_MS, nowMs))
    for (const region of REGIONS) {
      for (const deadlineMs of [1_004_000, 1_027_650, 1_090_000]) {
        const bounce = { region, deadlineMs, caps, nowMonoMs: nowMs }
        const { bounce: seen } = await this.#worker.look({ bounce, nowMs })
        const { jobs, laterMs } = seen?.ahead ?? {}
        // of those in one second the last counts, and the least is asked for
        assert.deepEqual({ jobs, laterMs }, this.#model.ahead(region, deadlineMs, SPACING_MS))
        assert.deepEqual(seen?.counted, expectedCounts)
      }
    }
  }
}

const CAPS = [
  ['sender', SENDERS[0]],
  ['sender', `${SENDERS[1]} firm1.example`],
  ['domain', 'one.example'],
  ['rule', 'two'],
] as const

function idsOf(jobs: readonly { id: string }[]): string[] {
  return jobs.map(({ id }) => id).toSorted()
}

function effectOf(how: Exclude<(typeof SETTLED)[number], 'released'>, notBeforeMs: number): Effect {
  switch (how) {
    case 'sent':
      return { state: 'sent', messageId: 'm', detail: '' }
    case 'failed':
    case 'split':
      return { state: 'failed', detail: '' }
    case 'held':
      return { state: 'held', detail: '' }
    case 'blocked':
      return { state: 'queued', what: 'retry', notBeforeMs, detail: '', blocks: 'sender' }
    case 'retry':
    case 'unknown outcome':
      return { state: 'queued', what: how, notBeforeMs, detail: '' }
  }
}
