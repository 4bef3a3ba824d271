// Starts a real Haraka on loopback, in a directory and a process group of its own, for tests, demo and benchmarks.
// All that is started here ends at the latest with the process that started it; a start that fails rejects with the end
// of the log.

import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { closeSync, openSync, rmSync } from 'node:fs'
import path from 'node:path'
import { EMULATOR_CREDENTIALS } from '../../../src/ses-emulator/options'
import { type DirectoryOptions, harakaPackage, prepareDirectory } from './directory'
import { listenedOn } from './listeners'
import { type LinePattern, type Log, LogFile, LogLines } from './log'
import { asProcess1, onlyChild } from './namespace'
import { hasProc, type ProcessInfo } from './processes'
import { type Exit, RunningHaraka, startMark } from './running-haraka'
import { openSession } from './smtp'
import { PATIENCE_MS, until } from './wait'

export { type Exit, type RunningHaraka, startMark }

const NODE_ARGS = ['--require', path.join(__dirname, 'lazy-packages.js')]

interface StartOptions {
  /** Added to our own environment, without what that says of AWS. */
  env?: Readonly<Record<string, string>>
  /** A line of the log to wait for as well: Haraka listens before the plugins' init hooks have run. */
  ready?: LinePattern
  /** For greeting and ready line together. */
  startTimeoutMs?: number
  /** The master is process 1 of a pid namespace, as in a container. Only where `whyNoProcess1` names no reason. */
  isProcess1?: boolean
  /**
   * Where its log goes; default: it is kept in memory. Such a Haraka has a channel to this process, and a plugin of it
   * can tell by 'disconnect' that this process was killed.
   */
  logFile?: string
  /** Arguments of node, for master and workers. */
  nodeArgs?: readonly string[]
  /** Ends the wait; the Haraka that is still starting is the caller's to stop. */
  signal?: AbortSignal
}

export interface HarakaOptions extends DirectoryOptions, StartOptions {}

/** A directory that is complete. */
export interface Place {
  dir: string
  /** That its smtp.ini names. */
  port: number
}

/** Resolves when Haraka greets. Rejects, with nothing left behind, when it ends before or takes too long. */
export async function startHaraka(options: HarakaOptions = {}): Promise<RunningHaraka> {
  const place = await prepareDirectory(options)
  try {
    return await startHarakaIn(place, { nodeArgs: NODE_ARGS, ...options })
  } catch (error) {
    if (options.dir === undefined) remove(place)
    throw error
  }
}

export async function startHarakaIn(place: Place, options: StartOptions = {}): Promise<RunningHaraka> {
  const { haraka, boot } = await launch(place, options)
  if (boot.outcome === 'up') return haraka
  await haraka.stop()
  const what = boot.outcome === 'ended' ? `ended at boot with ${exitText(boot.exit)}` : boot.error.message
  throw new Error(`Haraka in ${haraka.dir}: ${what}; its log ends with\n${haraka.logTail()}`)
}

/** Starts a Haraka that is to end by itself before it greets; rejects when it greets after all. */
export async function expectBootFailure(options: HarakaOptions): Promise<Exit & { log: string[] }> {
  const place = await prepareDirectory(options)
  const { haraka, boot } = await launch(place, { nodeArgs: NODE_ARGS, ...options })
  await haraka.stop()
  if (options.dir === undefined) remove(place)
  const log = haraka.log()
  if (boot.outcome === 'ended') return { ...boot.exit, log }
  const what = boot.outcome === 'up' ? 'it started' : boot.error.message
  throw new Error(`Haraka was to end at boot, but ${what}; its log ends with\n${haraka.logTail()}`)
}

export function exitText({ code, signal }: Exit): string {
  return signal ?? `exit code ${code}`
}

/** This process's environment without what it says of AWS and of another Haraka, and with the emulator's keys. */
export function emulatorEnv(): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('AWS_') && name !== 'HARAKA')
  return {
    ...Object.fromEntries(own),
    AWS_ACCESS_KEY_ID: EMULATOR_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: EMULATOR_CREDENTIALS.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  }
}

type Boot = { outcome: 'up' } | { outcome: 'ended'; exit: Exit } | { outcome: 'stuck'; error: Error }

async function launch(
  { dir, port }: Place,
  options: StartOptions,
): Promise<{ haraka: RunningHaraka; boot: Boot }> {
  const mark = randomUUID()
  const command = [
    process.execPath,
    ...(options.nodeArgs ?? []),
    path.join(harakaPackage, 'bin/haraka'),
    '-c',
    dir,
  ]
  const [file = '', ...args] = options.isProcess1 ? asProcess1(command) : command
  const env = { ...emulatorEnv(), ...options.env, [startMark]: mark }
  const { master, log } = spawnLogged(file, args, { dir, env, logFile: options.logFile })
  await once(master, 'spawn')
  const pid = options.isProcess1 ? await onlyChild(master) : undefined
  const haraka = new RunningHaraka(dir, port, mark, master, log, pid)
  const up = greets(haraka, options).then(
    (): Boot => ({ outcome: 'up' }),
    (error: unknown): Boot => ({ outcome: 'stuck', error: error as Error }),
  )
  const boot = await Promise.race([up, haraka.exited])
  // whatever came first: what has ended isn't up
  if ('outcome' in boot && !haraka.hasExited) return { haraka, boot }
  return { haraka, boot: { outcome: 'ended', exit: await haraka.exited } }
}

function spawnLogged(
  file: string,
  args: readonly string[],
  { dir, env, logFile }: { dir: string; env: NodeJS.ProcessEnv; logFile: string | undefined },
): { master: ChildProcess; log: Log } {
  // a group of its own, so that all of it can be ended by one id
  const options = { cwd: dir, detached: true, env }
  if (logFile !== undefined) {
    const descriptor = openSync(logFile, 'a', 0o600)
    const master = spawn(file, args, { ...options, stdio: ['ignore', descriptor, descriptor, 'ipc'] })
    closeSync(descriptor)
    return { master, log: new LogFile(logFile) }
  }
  const master = spawn(file, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
  const log = new LogLines()
  log.follow(master.stdout)
  log.follow(master.stderr)
  return { master, log }
}

/** A start takes longer than half a second. */
const GREETING_EVERY_MS = 50

async function greets(
  haraka: RunningHaraka,
  { ready, startTimeoutMs: timeoutMs = PATIENCE_MS, signal }: StartOptions,
): Promise<void> {
  const readyLine = ready === undefined ? undefined : haraka.waitForLog(ready, { timeoutMs })
  // awaited below, but it may fail before that
  readyLine?.catch(() => {})
  await until(() => signal?.aborted || haraka.hasExited || isGreeted(haraka, timeoutMs), {
    timeoutMs,
    everyMs: GREETING_EVERY_MS,
    what: 'the greeting of a process of its own',
  })
  await readyLine
}

async function isGreeted(haraka: RunningHaraka, timeoutMs: number): Promise<boolean> {
  try {
    const session = await openSession({ port: haraka.port, timeoutMs })
    await session.quit()
    return listens(haraka.port, haraka.family())
  } catch {
    return false
  }
}

/** Whether one of these processes listens on that port of loopback; without /proc that is taken for granted. */
export function listens(port: number, family: readonly ProcessInfo[]): boolean {
  const pids = family.map(({ pid }) => pid)
  return !hasProc || listenedOn(pids).includes(`127.0.0.1:${port}`)
}

function remove({ dir }: Place): void {
  rmSync(dir, { recursive: true, force: true })
}
