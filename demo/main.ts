#!/usr/bin/env node
// `npm start`: a real Haraka on loopback with the plugin, the SES emulator and sample mail.
// Ends with Ctrl-C, and leaves nothing behind. Exit codes: 0 fine, 1 a problem found, 2 wrong usage.

import { rmSync } from 'node:fs'
import { Command, InvalidArgumentError } from 'commander'
import type { SesEmulator } from '../src/ses-emulator/options'
import { startSesEmulator } from '../src/ses-emulator/server'
import { leaveSignals } from '../test/live/support/cleanup'
import { exitText, type RunningHaraka, startHarakaIn } from '../test/live/support/haraka'
import { noteLag } from '../test/live/support/pace'
import { packageFolder } from '../test/live/support/package-folder'
import { fillDirectory, makeDirectory } from './directory'
import { logFile } from './haraka-log'
import { pickPorts } from './port'
import { play } from './run'
import { makeSamples, type Sample } from './samples'
import { demoOfHosts } from './several'
import type { Stage } from './stage'
import { pageAt, type StatusPage, showPage } from './status-page'
import { type Terminal, terminal } from './terminal'
import { keepSamples } from './try-out'
import { watch } from './watch'

/** For the end of Haraka, which people wait for. */
const GRACE_MS = 4000

/** For a fault whose reason may stand there. */
const LOG_LINES = 12

/** The parts of the demo outside this process. Each is ended in every case. */
interface Parts {
  dir?: string
  ses?: SesEmulator
  haraka?: RunningHaraka
}

type Ending = { how: 'done'; isOk: boolean } | { how: 'stopped' } | { how: 'died'; text: string }

async function demo(once: boolean, stop: AbortSignal, show: Terminal): Promise<number> {
  const parts: Parts = {}
  // an exit from elsewhere must not leave anything behind
  const atExit = () => removeDirectory(parts)
  process.once('exit', atExit)
  try {
    const ending = await perform(parts, once, stop, show)
    show.status('')
    if (ending.how === 'done') return ending.isOk ? 0 : 1
    if (ending.how === 'died') throw new Error(ending.text)
    show.line()
    show.line('Ending Haraka, dispatcher and emulator.')
    // without its table the demo has proved nothing
    return once ? 1 : 0
  } catch (error) {
    show.status('')
    show.line(show.paint('red', error instanceof Error ? error.message : String(error)))
    for (const line of parts.haraka?.log().slice(-LOG_LINES) ?? []) show.line(`  ${line}`)
    return 1
  } finally {
    await parts.haraka?.stop({ graceMs: GRACE_MS })
    await parts.ses?.close()
    removeDirectory(parts)
    process.removeListener('exit', atExit)
  }
}

async function perform(parts: Parts, once: boolean, stop: AbortSignal, show: Terminal): Promise<Ending> {
  const samples = makeSamples(new Date())
  const { stage, page, haraka } = await setUp(parts, samples, stop, show)
  const stopped = new Promise<Ending>(resolve => {
    const tell = () => resolve({ how: 'stopped' })
    if (stop.aborted) tell()
    stop.addEventListener('abort', tell, { once: true })
  })
  const died = haraka.exited.then(
    (exit): Ending => ({ how: 'died', text: `Haraka ended by itself, with ${exitText(exit)}` }),
  )
  const played = playAndStay(stage, page, samples, once).catch(async (error: unknown): Promise<Ending> => {
    // an error after the signal isn't a fault
    if (stop.aborted) return stopped
    throw error
  })
  return Promise.race([died, stopped, played])
}

async function setUp(
  parts: Parts,
  samples: readonly Sample[],
  stop: AbortSignal,
  show: Terminal,
): Promise<{ stage: Stage; page: StatusPage | undefined; haraka: RunningHaraka }> {
  const { smtp: port, http } = await pickPorts()
  const ses = await startSesEmulator({
    messages: samples.flatMap(({ known }) => known ?? []),
    identities: ['example.com'],
    secondBounce: 'refuse',
    onCall: noteLag,
  })
  parts.ses = ses
  const packageDir = packageFolder()
  const dir = makeDirectory()
  parts.dir = dir
  const page = pageAt(http, packageDir)
  fillDirectory(dir, { packageDir, port, sesUrl: ses.url, page })
  keepSamples(dir, samples)
  show.line(`Haraka on 127.0.0.1:${port} with haraka-plugin-ses-bounce; bounces go to an SES emulator.`)
  show.line(show.paint('dim', `Its directory is ${dir}`))
  const haraka = await startHarakaIn({ dir, port }, { logFile: logFile(dir), signal: stop })
  parts.haraka = haraka
  return { stage: { dir, port, ses, terminal: show, stop }, page, haraka }
}

async function playAndStay(
  stage: Stage,
  page: StatusPage | undefined,
  samples: readonly Sample[],
  once: boolean,
): Promise<Ending> {
  const shown = await showPage(page, stage)
  stage.terminal.line()
  const isOk = await play(stage, samples)
  if (!once) await watch(stage, shown)
  return { how: 'done', isOk }
}

function removeDirectory({ dir }: Parts): void {
  if (dir !== undefined) rmSync(dir, { recursive: true, force: true })
}

/** More would be slow on a small machine, and show no more. */
const MOST_HOSTS = 5

function hostCount(text: string): number {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 2 && count <= MOST_HOSTS) return count
  throw new InvalidArgumentError(`It is 2 to ${MOST_HOSTS}.`)
}

function readOptions(args: readonly string[]): { once?: boolean; hosts?: number } {
  return new Command('npm start --')
    .description(
      `A real Haraka on loopback with the plugin, the SES emulator and sample mail. Plays the samples, then stays up for
mail of your own until Ctrl-C.`,
    )
    .option('--once', 'plays the samples and ends: 0 when each had its outcome, else 1')
    .option(
      '--hosts <NUMBER>',
      'as many Harakas with one queue in PostgreSQL; the one that sends is killed, and another one goes on',
      hostCount,
    )
    .helpOption('-h, --help', 'shows this help')
    .showHelpAfterError()
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse(args, { from: 'user' })
    .opts()
}

async function main(): Promise<void> {
  const { once = false, hosts } = readOptions(process.argv.slice(2))
  const stop = new AbortController()
  leaveSignals()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => stop.abort())
  // the reader of our output has ended
  process.stdout.on('error', () => stop.abort())
  const show = terminal(process.stdout, process.env)
  process.exit(
    hosts === undefined
      ? await demo(once, stop.signal, show)
      : await demoOfHosts(hosts, once, stop.signal, show),
  )
}

void main()
