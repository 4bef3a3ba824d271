// Harms to several hosts, and their moments: the way to the database shows which statement is under way.

import { setTimeout as pause } from 'node:timers/promises'
import type { TcpProxy } from '../../postgres/proxy'
import type { PostgresServer } from '../../postgres/server'
import type { ChaosSes } from '../support/chaos-ses'
import { killIfAlive } from '../support/processes'
import { until } from '../support/wait'
import { leaderOf } from './audit'
import type { Harm } from './history'
import type { Host, Part } from './hosts'

export const VICTIMS = [
  'a worker that adds a bounce',
  'the leader before a claim',
  'the leader between begin and call',
  'the leader between call and settle',
  'a dispatcher that stands by',
  'the database',
] as const
export type Victim = (typeof VICTIMS)[number]

export type Blow = { kind: 'kill' } | { kind: 'stop'; forMs: number } | { kind: 'hole' | 'cut' | 'slow' }

/** A leader that is silent for 8 s loses the lead: one of these doesn't, the next may, the last does. */
export const BLOWS: readonly Blow[] = [
  { kind: 'kill' },
  { kind: 'stop', forMs: 1000 },
  { kind: 'stop', forMs: 5000 },
  { kind: 'stop', forMs: 12_000 },
  { kind: 'hole' },
  { kind: 'cut' },
  { kind: 'slow' },
]

export function nameOf(blow: Blow): string {
  return blow.kind === 'stop' ? `stopped for ${blow.forMs / 1000} s` : WORDS[blow.kind]
}

const WORDS = {
  kill: 'killed',
  hole: 'in a hole of the net',
  cut: 'cut off',
  slow: 'slow (200 ms)',
} as const

/** Half of it in each direction. */
const SLOW_MS = 100
/** A leader is away for longer than it may be silent. */
const LEADER_AWAY_MS = 10_500
const AWAY_MS = 4000
const DOWN_MS = 2000
/** An answer that was handed to the system is with the process by then. */
const HANDED_OVER_MS = 20

interface Moment {
  part: Part
  /** In the text of the statement. Undefined: the call at SES is the moment. */
  statement?: RegExp
  /** asked: the database hasn't seen it. answered: it is done there. */
  when?: 'asked' | 'answered'
  /** Whether the host hears the answer before it loses the net. */
  hears?: boolean
}

const MOMENTS: Record<Exclude<Victim, 'the database'>, Moment> = {
  'a worker that adds a bounce': { part: 'worker', statement: /add_bounces_/, when: 'answered' },
  'the leader before a claim': { part: 'dispatcher', statement: /"claim_\d/, when: 'asked' },
  'the leader between begin and call': {
    part: 'dispatcher',
    statement: /begin_call_/,
    when: 'answered',
    hears: true,
  },
  'the leader between call and settle': { part: 'dispatcher' },
  'a dispatcher that stands by': { part: 'dispatcher', statement: /"leader_\d/, when: 'asked' },
}

export interface Field {
  server: PostgresServer
  hosts: readonly Host[]
  ses: ChaosSes
}

/** Resolves when it is over, and what was killed is back. Mail must be coming in meanwhile. */
export async function strike(field: Field, victim: Victim, blow: Blow): Promise<Harm> {
  const what = `${victim}: ${nameOf(blow)}`
  let fromMs = 0
  const begins = () => {
    fromMs = Date.now()
  }
  if (victim === 'the database') await strikeDatabase(field, blow, begins)
  else await strikeHost(field, await hostOf(field, victim), victim, blow, begins)
  return { what, fromMs, toMs: Date.now() }
}

async function hostOf({ server, hosts }: Field, victim: Victim): Promise<Host> {
  const leader = await until(() => leaderOf(server), { what: 'a leader' })
  const isLeader = victim.startsWith('the leader')
  const host = hosts.find(({ name }) => (name === leader) === isLeader)
  if (host === undefined) throw new Error(`there is no host for ${victim}`)
  return host
}

async function strikeHost(
  field: Field,
  host: Host,
  victim: Exclude<Victim, 'the database'>,
  blow: Blow,
  begins: () => void,
): Promise<void> {
  const moment = MOMENTS[victim]
  const pid = await until(() => host.pid(moment.part), { what: `the ${moment.part} of ${host.name}` })
  const awayMs = victim.startsWith('the leader') ? LEADER_AWAY_MS : AWAY_MS
  if (blow.kind === 'kill' || blow.kind === 'stop') {
    await stopAt(field, host, moment, pid, begins)
    if (blow.kind === 'stop') {
      await pause(blow.forMs)
      killIfAlive(pid, 'SIGCONT')
      return
    }
    killIfAlive(pid, 'SIGKILL')
    await until(() => isOther(host.pid(moment.part), pid), { what: `another ${moment.part} of ${host.name}` })
    return
  }
  await loseNetAt(field, host, moment, () => {
    begins()
    spoil(host.proxy, blow.kind)
  })
  await pause(awayMs)
  host.proxy.heal()
}

function isOther(pid: number | undefined, before: number): boolean {
  return pid !== undefined && pid !== before
}

/** Resolves when the process stands still at that moment. */
function stopAt(
  { ses }: Field,
  { proxy }: Host,
  { statement, when }: Moment,
  pid: number,
  begins: () => void,
): Promise<void> {
  const stop = () => {
    begins()
    killIfAlive(pid, 'SIGSTOP')
  }
  return new Promise(resolve => {
    if (statement === undefined) {
      const forget = ses.onCall(() => {
        forget()
        stop()
        resolve()
      })
      return
    }
    let stopped: number | undefined
    proxy.listen((data, direction, link) => {
      if (stopped === undefined) {
        if (direction === 'down' || !statement.test(data.toString('latin1'))) return
        stop()
        stopped = link
        if (when === 'answered') return
      } else if (direction === 'up' || link !== stopped) return
      proxy.listen(undefined)
      setTimeout(resolve, HANDED_OVER_MS)
    })
  })
}

/** Resolves when the net was spoilt at that moment. */
function loseNetAt(
  { ses }: Field,
  { proxy }: Host,
  { statement, when, hears = false }: Moment,
  lose: () => void,
): Promise<void> {
  return new Promise(resolve => {
    const over = () => {
      lose()
      resolve()
    }
    if (statement === undefined) {
      const forget = ses.onCall(() => {
        forget()
        over()
      })
      return
    }
    let asked: number | undefined
    proxy.listen((data, direction, link) => {
      if (asked === undefined) {
        if (direction === 'down' || !statement.test(data.toString('latin1'))) return
        asked = link
        if (when === 'answered') return
      } else if (direction === 'up' || link !== asked) return
      proxy.listen(undefined)
      if (hears) setTimeout(over, HANDED_OVER_MS)
      else over()
    })
  })
}

function spoil(proxy: TcpProxy, kind: 'hole' | 'cut' | 'slow'): void {
  if (kind === 'hole') proxy.hole()
  else if (kind === 'cut') proxy.cut()
  else proxy.delay(SLOW_MS)
}

async function strikeDatabase({ server, hosts }: Field, blow: Blow, begins: () => void): Promise<void> {
  begins()
  switch (blow.kind) {
    case 'kill':
      await server.kill()
      await pause(DOWN_MS)
      await server.start()
      return
    case 'stop':
      server.freeze()
      await pause(blow.forMs)
      server.thaw()
      return
    default:
      for (const { proxy } of hosts) spoil(proxy, blow.kind)
      await pause(AWAY_MS)
      for (const { proxy } of hosts) proxy.heal()
  }
}
