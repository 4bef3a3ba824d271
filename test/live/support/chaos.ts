// Mail from relays that come again until they are answered, to two Harakas on one queue, while parts of them are killed,
// stopped, locked out and left without room, and SES fails. What is proved is the same for a short test and a long one.
// A test that fails shows its seed, its plan and what each attack did.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openQueueReader } from '../../../src/queue/sqlite/open'
import { Attackers, type Struck } from './chaos-attacks'
import { FAULTS, type Measure, planChaos } from './chaos-plan'
import { Relays } from './chaos-relays'
import { keep, report } from './chaos-report'
import { type ChaosSes, startChaosSes } from './chaos-ses'
import { type Evidence, faultsOf, type RecordedJob } from './chaos-verdict'
import { withTinyDisk } from './disk'
import { HarakaPair } from './haraka-pair'
import { until } from './wait'

export interface ChaosOptions extends Measure {
  intervalMs: number
  /** The latency of SES's answers: calls are interrupted meanwhile. */
  latencyMs: number
  /** The timeout of a call. */
  timeoutMs: number
  /** For an answer, until a relay comes again: a worker that was stopped gives none. */
  relayTimeoutMs: number
  /** After the last attack, until every mail is answered and every job has ended. */
  patienceMs: number
}

export interface ChaosResult {
  evidence: Evidence
  struck: readonly Struck[]
  /** Boots that came to nothing. */
  failedBoots: readonly string[]
}

/** The size of the tmpfs: room for the jobs of an hour. */
const DISK_KB = 16_384

/** Rejects with all that wasn't kept, the plan, and what the attacks did. */
export async function runChaos(options: ChaosOptions): Promise<ChaosResult> {
  if (!options.attacks.includes('full disk')) return inFolder(folder => runIn(folder, undefined, options))
  const done = await withTinyDisk(DISK_KB, disk => runIn(path.join(disk, 'queue'), disk, options))
  if (done.outcome === 'done') return done.value
  console.log(`      the disk isn't filled: ${done.why}`)
  return inFolder(folder => runIn(folder, undefined, options))
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'chaos-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function runIn(folder: string, disk: string | undefined, options: ChaosOptions): Promise<ChaosResult> {
  const plan = planChaos(options)
  const ses = await startChaosSes({
    intervalMs: options.intervalMs,
    latencyMs: options.latencyMs,
    faults: plan.faults.map(name => (name === undefined ? null : FAULTS[name])),
  })
  const pair = new HarakaPair({ sesUrl: ses.url, folder, ...options })
  const relays = new Relays(pair, options.relayTimeoutMs)
  const attackers = new Attackers({ pair, relays, ses, disk })
  const result = () => ({ struck: attackers.struck, failedBoots: pair.failedBoots })
  try {
    await pair.start()
    await Promise.all([relays.deliverAll(plan.mails), attackers.attackAll(plan.attacks)])
    await settled(pair, options.patienceMs)
    const left = await pair.end()
    const evidence = collect({ pair, relays, attackers, ses, left, options })
    const faults = faultsOf(evidence)
    if (faults.length > 0) throw new Error([...faults, keep(evidence, options.seed)].join('\n'))
    return { evidence, ...result() }
  } catch (error) {
    throw new Error(report(error, options.seed, { plan, ...result(), calls: ses.calls.length }), {
      cause: error,
    })
  } finally {
    relays.end()
    attackers.end()
    await pair.end()
    pair.removeFiles()
    await ses.close()
  }
}

/** Until nothing waits any more. */
function settled(pair: HarakaPair, timeoutMs: number): Promise<unknown> {
  const waiting = "SELECT COUNT(*) AS n FROM job WHERE state IN ('queued', 'sending')"
  return until(() => pair.look(database => database.get(waiting)?.['n'] === 0), {
    what: 'the end of all jobs',
    timeoutMs,
    everyMs: 200,
  })
}

interface Scene {
  pair: HarakaPair
  relays: Relays
  attackers: Attackers
  ses: ChaosSes
  left: string[]
  options: ChaosOptions
}

/** When all is over: the files are nobody's any more. */
function collect({ pair, relays, attackers, ses, left, options }: Scene): Evidence {
  const sesIds = relays.mails.map(({ sesId }) => sesId)
  return {
    intervalMs: options.intervalMs,
    mails: relays.mails,
    calls: ses.calls,
    jobs: jobsIn(pair.queueFile),
    harms: attackers.harms,
    delivered: pair.delivered().map(({ to, data }) => ({
      to,
      sesId: sesIds.find(id => data.includes(id)) ?? '',
    })),
    complaints: pair.complaints(),
    integrity: pair.look(database =>
      database.pragma('integrity_check').map(row => String(row['integrity_check'])),
    ) ?? ["it can't be read"],
    left,
  }
}

function jobsIn(file: string): RecordedJob[] {
  const reader = openQueueReader(file)
  try {
    return [...reader.jobs()].map(job => ({ ...job, history: reader.history(job.id) }))
  } finally {
    reader.close()
  }
}
