// `ses-bounce relay`: hands mail that SES stored in S3 to Haraka, as [relay.sqs] says, until it is stopped.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { formatDiagnostic } from '../config/diagnostics'
import { loadSettings, parseSettings, SETTINGS_FILE } from '../config/load'
import type { SqsRelay } from '../config/settings'
import { errorMessage } from '../errors'
import { parseEndpoint } from '../quarantine/endpoint'
import { openHandOver } from '../relay/hand-over'
import { openQueues } from '../relay/queues'
import { newRelayCounts, queueFaults, type RelayState, runRelay } from '../relay/run'
import { openStoredMail } from '../relay/stored-mail'
import { serveRelayViews } from '../relay/views'
import { mustBeThere } from './check'
import { type CommonOptions, type Describe, harakaDir, UsageError } from './command-line'
import { logTo, stoppedBySignals } from './long-running'
import { escaping, type Out } from './out'

interface Options extends CommonOptions {
  http?: string
}

export const describeRelay: Describe = (command, { out, env, exit }) => {
  command
    .description(
      'Takes announcements of mail from a queue of SQS, and hands the mail to Haraka, until it is stopped.',
    )
    .option('--http <HOST:PORT>', 'serves /health and /metrics there')
    .addHelpText(
      'after',
      `
It reads config/ses-bounce.ini, section [relay.sqs]; docs/aws.md leads there. Several may run on one queue.
After SIGTERM or Ctrl-C what is in hand is finished. With --json each line of the log is a JSON object.
Ends with 0 after a signal, with 1 when the configuration or a queue can't be used, with 2 on wrong options.`,
    )
    .action(exit(one => relayMail(one.optsWithGlobals(), out, env)))
}

async function relayMail(
  { http, json = false, ...common }: Options,
  to: Out,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const dir = harakaDir(common, env)
  mustBeThere(dir)
  const endpoint = http === undefined ? undefined : parseEndpoint(http)
  if (http !== undefined && endpoint === undefined)
    throw new UsageError(`--http can't be "${http}"; write HOST:PORT`)
  const out = escaping(to)
  const log = logTo(out, json)
  const stop = stoppedBySignals(log, 'what is in hand')
  try {
    const settings = settingsOf(dir, env)
    const queues = await openQueues(settings)
    const faults = queueFaults(await queues.attributes('queue'), await queues.attributes('dead letters'))
    if (faults.length > 0) throw new Error(faults.map(fault => `[relay.sqs] ${fault}`).join('\n'))
    const stored = await openStoredMail()
    const handOver = openHandOver(settings)
    const state: RelayState = { counts: newRelayCounts() }
    const views = endpoint && (await serveRelayViews(endpoint, state))
    const { host, port } = settings.smtp
    log(
      'notice',
      `takes mail from the queue, ${settings.concurrency} at a time, for Haraka at ${host}:${port}`,
    )
    await runRelay({ settings, queues, stored, handOver, log, nowMs: () => Date.now() }, state, stop)
    views?.close()
    handOver.close()
    stored.close()
    queues.close()
    return 0
  } catch (error) {
    for (const line of errorMessage(error).split('\n')) out.error(`ses-bounce relay: ${line}`)
    return 1
  }
}

/** @throws Error with each error of the file */
function settingsOf(dir: string, env: NodeJS.ProcessEnv): SqsRelay {
  const text = readFileSync(path.join(dir, 'config', SETTINGS_FILE), 'utf8')
  const { settings, diagnostics } = loadSettings(parseSettings(text), env)
  const errors = diagnostics.filter(({ severity }) => severity === 'error')
  if (errors.length > 0) throw new Error(errors.map(formatDiagnostic).join('\n'))
  if (settings.sqsRelay === undefined)
    throw new Error(`config/${SETTINGS_FILE} has no [relay.sqs] queue_url; docs/aws.md leads there`)
  return settings.sqsRelay
}
