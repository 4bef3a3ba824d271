// Mail from relays that come again until they are answered, while parts of the product are killed.
// What is proved is the same for a short run in `npm test` and a long one in `npm run test:soak`.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '../../../src/local-ses/call'
import type { FaultPlan } from '../../../src/local-ses/faults'
import { LOCAL_CREDENTIALS, type LocalSes } from '../../../src/local-ses/options'
import { startLocalSes } from '../../../src/local-ses/server'
import { openQueueReader } from '../../../src/queue/sqlite/reader'
import { type RunningHaraka, startHaraka } from './haraka'
import { type SesMail, sesMail } from './mail'
import { BOUNCE_ALL, iniText } from './product'
import { pick, seeded } from './random'
import { sendMail } from './smtp'
import { until } from './wait'

export interface Siege {
  seed: number
  mails: number
  /** How long mail comes in and things are killed. */
  durationMs: number
  killEveryMs: number
  intervalMs: number
  /** On top of the interval, where the stand-in may have to wait for its turn before it sees a call. Default: the product's. */
  slackMs?: number
  /** Of SES's answers. */
  latencyMs?: number
  faults?: FaultPlan
}

export interface SiegeResult {
  /** Mails that got 250. */
  accepted: SesMail[]
  calls: readonly Call[]
  kills: { what: Victim; atMs: number }[]
}

type Victim = 'master' | 'worker' | 'dispatcher'

/** Every mail that got 250 is bounced, at most once more per kill, and SES never sees two calls within its interval. */
export async function besiege(siege: Siege): Promise<SiegeResult> {
  const ses = await startLocalSes({
    messages: 'any',
    intervalMs: siege.intervalMs,
    latencyMs: siege.latencyMs ?? 0,
    ...(siege.faults && { faults: siege.faults }),
  })
  const castle = new Castle(ses, siege)
  try {
    await castle.start()
    const [accepted, kills] = await Promise.all([castle.receive(), castle.attack()])
    await castle.allSent(accepted)
    return { accepted, calls: ses.calls, kills }
  } finally {
    await castle.fall()
    await ses.close()
  }
}

export function assertKept({ accepted, calls, kills }: SiegeResult, siege: Siege): void {
  const carriedOut = calls.filter(call => call.outcome.status === 200 && call.outcome.messageId !== undefined)
  const perId = new Map<string, number>()
  for (const call of carriedOut) {
    const id = call.input?.OriginalMessageId ?? ''
    perId.set(id, (perId.get(id) ?? 0) + 1)
  }
  for (const { sesId } of accepted) assert.ok(perId.has(sesId), `${sesId} was accepted and never bounced`)
  const twice = carriedOut.length - perId.size
  assert.ok(twice <= kills.length, `${twice} bounces too many after ${kills.length} kills`)
  const close = calls.slice(1).flatMap((call, index) => {
    const gapMs = call.atMs - (calls[index]?.atMs ?? 0)
    return gapMs < siege.intervalMs ? [`call ${call.number}: ${gapMs} ms after the one before`] : []
  })
  assert.deepEqual(close, [])
  assert.deepEqual(
    calls.filter(call => call.outcome.code === 'Throttling').map(({ number }) => number),
    [],
    'calls that SES throttled',
  )
}

class Castle {
  readonly #ses: LocalSes
  readonly #siege: Siege
  readonly #random: () => number
  #haraka: RunningHaraka | undefined
  #ended = false

  constructor(ses: LocalSes, siege: Siege) {
    this.#ses = ses
    this.#siege = siege
    this.#random = seeded(siege.seed)
  }

  /** The first time in a new directory, then in the same one. */
  async start(): Promise<void> {
    const ini = {
      limit: {
        interval: `${this.#siege.intervalMs}ms`,
        per_sender: '',
        ...(this.#siege.slackMs !== undefined && { slack: `${this.#siege.slackMs}ms` }),
      },
      queue: { retry: '200ms..2s' },
      ses: { timeout: '1s' },
    }
    this.#haraka = await startHaraka({
      plugins: ['ses-bounce'],
      nodes: 2,
      files: {
        'config/host_list': 'yours.example\n',
        'config/ses-bounce.ini': iniText(ini, this.#ses.url),
        'config/ses-bounce-rules.ini': BOUNCE_ALL,
      },
      env: {
        AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
      },
      ...(this.#haraka && { dir: this.#haraka.dir }),
    })
  }

  async receive(): Promise<SesMail[]> {
    const { mails, durationMs } = this.#siege
    const accepted: SesMail[] = []
    const sending: Promise<void>[] = []
    for (let n = 0; n < mails; n++) {
      const mail = sesMail()
      sending.push(this.#deliver(mail).then(() => void accepted.push(mail)))
      await pause(durationMs / mails)
    }
    await Promise.all(sending)
    return accepted
  }

  /** As relays do: until there is an answer. */
  async #deliver(mail: SesMail): Promise<void> {
    while (!this.#ended) {
      try {
        const { reply } = await sendMail({
          port: this.#haraka?.port ?? 0,
          from: 'sender@origin.example',
          to: ['user@yours.example'],
          data: mail.data,
          // one that was killed gives no answer
          timeoutMs: 8000,
        })
        if (reply.code === 250) return
      } catch {
        // no connection, or it broke: again
      }
      await pause(100)
    }
    throw new Error('the siege ended before the mail was taken')
  }

  async attack(): Promise<SiegeResult['kills']> {
    const kills: SiegeResult['kills'] = []
    const endMs = performance.now() + this.#siege.durationMs
    while (performance.now() < endMs) {
      await pause(this.#siege.killEveryMs * (0.5 + this.#random()))
      const what = pick<Victim>(this.#random, ['master', 'worker', 'dispatcher'])
      if (what === undefined) continue
      kills.push({ what, atMs: performance.now() })
      await this.#kill(what)
    }
    return kills
  }

  async #kill(what: Victim): Promise<void> {
    const haraka = this.#haraka
    if (haraka === undefined) return
    if (what === 'master') {
      haraka.kill(haraka.pid, 'SIGKILL')
      await haraka.exited
      await this.start()
      return
    }
    const dispatcher = haraka.children().find(({ cmdline }) => cmdline.includes('/dispatch/main.js'))
    const pid = what === 'worker' ? pick(this.#random, haraka.workers()) : dispatcher?.pid
    if (pid !== undefined) haraka.kill(pid, 'SIGKILL')
  }

  async allSent(accepted: readonly SesMail[]): Promise<void> {
    const file = `${this.#haraka?.dir}/ses-bounce/queue.sqlite`
    await until(
      () => {
        const reader = openQueueReader(file)
        try {
          return reader.countByState().sent >= accepted.length
        } finally {
          reader.close()
        }
      },
      {
        what: `${accepted.length} jobs sent`,
        timeoutMs: accepted.length * this.#siege.intervalMs * 2 + 20_000,
        everyMs: 200,
      },
    )
  }

  async fall(): Promise<void> {
    this.#ended = true
    await this.#haraka?.stop()
    this.#haraka?.remove()
  }
}
