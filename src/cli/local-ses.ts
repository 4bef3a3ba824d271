// `ses-bounce local-ses`: the SES emulator alone, for a Haraka or any other client of SendBounce without AWS.
// Runs until Ctrl-C or SIGTERM. Exits with 1 if the port is in use, with 2 for a wrong option.

import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { parseCount, parseDurationMs } from '../config/values'
import { errorMessage } from '../errors'
import { jsonText, snakeKeys } from '../json'
import { laneName } from '../lane'
import { type Call, EMULATOR_CREDENTIALS, startSesEmulator } from '../ses-emulator/server'
import { type CommonOptions, type Describe, runCommand, type Shell, UsageError } from './command-line'
import { escapeControls, type Out } from './out'

interface Options extends CommonOptions {
  port: number
  interval: number
  session: number
}

/** The least interval of SES between two calls of SendBounce. */
const STANDARD_INTERVAL_MS = 1000
/** The duration of a session of STS for a client that doesn't ask for less. */
const STANDARD_SESSION_MS = 3_600_000

export const describeLocalSes = (command: Command, { out, exit }: Shell, stop?: AbortSignal): void => {
  command
    .description('A local server that accepts SendBounce calls as strictly as SES, and sends nothing.')
    .option('--port <NUMBER>', 'where it listens on 127.0.0.1; 0: a free port', portOf, 4579)
    .option('--any', 'accept every message id that SES could have given, and every sender identity (default)')
    .addOption(
      new Option('--interval <TIME>', 'least time between two calls in a region; 0ms: no limit')
        .argParser(intervalOf)
        .default(STANDARD_INTERVAL_MS, '1000ms, as at SES'),
    )
    .addOption(
      new Option('--session <TIME>', 'longest time for which the credentials of a role are valid')
        .argParser(sessionOf)
        .default(STANDARD_SESSION_MS, '1h, as at STS'),
    )
    .addHelpText(
      'after',
      `
It is also an STS: AssumeRole gives credentials for any role, and each account has a pace of its own.
With --json one JSON object per call; account: the number of the account whose role made it.`,
    )
    .action(exit(one => serve(one.optsWithGlobals(), out, stop)))
}

/** Resolves with the exit code. `stop` ends it as Ctrl-C does. */
export function localSes(args: string[], out: Out, stop?: AbortSignal): Promise<number> {
  const describe: Describe = (command, shell) => describeLocalSes(command, shell, stop)
  return runCommand('local-ses', describe, args, { out, env: process.env })
}

async function serve(
  { port, interval, session, json }: Options,
  out: Out,
  stop?: AbortSignal,
): Promise<number> {
  const intervalMs = interval
  try {
    const onCall = (call: Call) => out.line(json ? callJson(call) : callLine(call))
    const server = await startSesEmulator({ port, intervalMs, sessionMs: session, onCall })
    if (json) out.line(jsonText({ url: server.url, credentials: EMULATOR_CREDENTIALS }))
    else for (const line of greeting(server.url)) out.line(line)
    await stopped(stop)
    await server.close()
    return 0
  } catch (error) {
    const taken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE'
    const what = taken ? `port ${port} is in use; give another with --port` : errorMessage(error)
    out.error(`ses-bounce local-ses: ${what}`)
    return 1
  }
}

/** `12:00:00 210987654321/eu-west-1 SendBounce ID r@example.com -> 400 Throttling Maximum sending rate exceeded.` */
export function callLine({ region, account, action, params, outcome }: Call, time = new Date()): string {
  const recipients = Object.entries(params)
    .filter(([name]) => /^BouncedRecipientInfoList\.member\.\d+\.Recipient$/.test(name))
    .map(([, value]) => value)
  const lane = laneName({ region: region ?? '-', ...(account !== undefined && { account }) })
  const about = params.OriginalMessageId ?? params.RoleArn ?? '-'
  const asked = [lane, action ?? '-', about, recipients.join(',') || '-']
  const told = [String(outcome.status || 'no answer'), outcome.code, outcome.message, outcome.messageId]
  if (outcome.fault) told.push(`(fault: ${outcome.fault})`)
  const line = [time.toISOString().slice(11, 19), ...asked, '->', ...told.filter(text => text !== undefined)]
  return escapeControls(line.join(' '))
}

function callJson({ number, region, account, action, params, outcome }: Call): string {
  // the names in `params` are the client's
  return escapeControls(
    JSON.stringify({ number, region, account, action, params, outcome: snakeKeys(outcome) }),
  )
}

function greeting(url: string): string[] {
  return [
    `SES emulator on ${url}`,
    '',
    `  AWS_ENDPOINT_URL_SES=${url}`,
    `  AWS_ENDPOINT_URL_STS=${url}`,
    `  AWS_ACCESS_KEY_ID=${EMULATOR_CREDENTIALS.accessKeyId}`,
    `  AWS_SECRET_ACCESS_KEY=${EMULATOR_CREDENTIALS.secretAccessKey}`,
    '',
    'Ctrl-C ends it. Calls:',
  ]
}

function portOf(text: string): number {
  const port = parseCount(text)
  if (port === undefined || port > 65535) throw new UsageError(`--port must be 0 to 65535, not "${text}"`)
  return port
}

function sessionOf(text: string): number {
  const ms = parseDurationMs(text)
  if (!ms) throw new UsageError(`--session must be a number and a unit as 15m or 30s, not "${text}"`)
  return ms
}

function intervalOf(text: string): number {
  const ms = text === '0' ? 0 : parseDurationMs(text)
  if (ms === undefined)
    throw new UsageError(`--interval must be a number and a unit as 1000ms or 1s, not "${text}"`)
  return ms
}

async function stopped(stop: AbortSignal | undefined): Promise<void> {
  const done = new AbortController()
  const wait = (name: string) => once(process, name, { signal: done.signal })
  const ends: Promise<unknown>[] = [wait('SIGINT'), wait('SIGTERM')]
  if (stop) ends.push(stop.aborted ? Promise.resolve() : once(stop, 'abort', { signal: done.signal }))
  // those that lose the race are ended by `done`, which rejects them
  const settled = ends.map(end => end.catch(() => undefined))
  await Promise.race(settled)
  done.abort()
}
