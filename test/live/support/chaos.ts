// Mail from relays that come again until they are answered, to two Harakas on one queue, while parts of them are killed,
// stopped, locked out and left without room, and SES fails. What is proved is the same for a short siege and a long one.
// A siege that fails shows its seed, its plan and what each attack did.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openQueueReader } from '../../../src/queue/open'
import { Attackers, type Struck } from './chaos-attacks'
import { FAULTS, type Measure, planSiege } from './chaos-plan'
import { Relays } from './chaos-relays'
import { keep, report } from './chaos-report'
import { type SiegeSes, startSiegeSes } from './chaos-ses'
import { type Evidence, faultsOf, type RecordedJob } from './chaos-verdict'
import { withTinyDisk } from './disk'
import { Castle } from './haraka-pair'
import { until } from './wait'

export interface Siege extends Measure {
  intervalMs: number
  /** Of SES's answers: calls are interrupted meanwhile. */
  latencyMs: number
  /** Of a call. */
  timeoutMs: number
  /** For an answer, until a relay comes again: a worker that was stopped gives none. */
  relayTimeoutMs: number
  /** After the last attack, until every mail is answered and every job has ended. */
  patienceMs: number
}

export interface SiegeResult {
  evidence: Evidence
  struck: readonly Struck[]
  /** Boots that came to nothing. */
  failedBoots: readonly string[]
}

/** Of tmpfs: room for the jobs of an hour. */
const DISK_KB = 16_384

/** Rejects with all that wasn't kept, the plan, and what the attacks did. */
export async function besiege(siege: Siege): Promise<SiegeResult> {
  if (!siege.attacks.includes('full disk')) return inFolder(folder => siegeIn(folder, undefined, siege))
  const done = await withTinyDisk(DISK_KB, disk => siegeIn(path.join(disk, 'queue'), disk, siege))
  if (done.outcome === 'done') return done.value
  console.log(`      the disk isn't filled: ${done.why}`)
  return inFolder(folder => siegeIn(folder, undefined, siege))
}

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(tmpdir(), 'siege-'))
  try {
    return await work(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

async function siegeIn(folder: string, disk: string | undefined, siege: Siege): Promise<SiegeResult> {
  const plan = planSiege(siege)
  const ses = await startSiegeSes({
    intervalMs: siege.intervalMs,
    latencyMs: siege.latencyMs,
    faults: plan.faults.map(name => (name === undefined ? null : FAULTS[name])),
  })
  const castle = new Castle({ sesUrl: ses.url, folder, ...siege })
  const relays = new Relays(castle, siege.relayTimeoutMs)
  const attackers = new Attackers({ castle, relays, ses, disk })
  const result = () => ({ struck: attackers.struck, failedBoots: castle.failedBoots })
  try {
    await castle.start()
    await Promise.all([relays.deliverAll(plan.mails), attackers.attackAll(plan.attacks)])
    await settled(castle, siege.patienceMs)
    const left = await castle.fall()
    const evidence = collect({ castle, relays, attackers, ses, left, siege })
    const faults = faultsOf(evidence)
    if (faults.length > 0) throw new Error([...faults, keep(evidence, siege.seed)].join('\n'))
    return { evidence, ...result() }
  } catch (error) {
    throw new Error(report(error, siege.seed, { plan, ...result(), calls: ses.calls.length }), {
      cause: error,
    })
  } finally {
    relays.end()
    attackers.end()
    await castle.fall()
    castle.raze()
    await ses.close()
  }
}

/** Until nothing waits any more. */
function settled(castle: Castle, timeoutMs: number): Promise<unknown> {
  const waiting = "SELECT COUNT(*) AS n FROM job WHERE state IN ('queued', 'sending')"
  return until(() => castle.look(database => database.get(waiting)?.['n'] === 0), {
    what: 'the end of all jobs',
    timeoutMs,
    everyMs: 200,
  })
}

interface Scene {
  castle: Castle
  relays: Relays
  attackers: Attackers
  ses: SiegeSes
  left: string[]
  siege: Siege
}

/** When all is over: the files are nobody's any more. */
function collect({ castle, relays, attackers, ses, left, siege }: Scene): Evidence {
  const sesIds = relays.mails.map(({ sesId }) => sesId)
  return {
    intervalMs: siege.intervalMs,
    mails: relays.mails,
    calls: ses.calls,
    jobs: jobsIn(castle.queueFile),
    harms: attackers.harms,
    delivered: castle.delivered().map(({ to, data }) => ({
      to,
      sesId: sesIds.find(id => data.includes(id)) ?? '',
    })),
    complaints: castle.complaints(),
    integrity: castle.look(database =>
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
