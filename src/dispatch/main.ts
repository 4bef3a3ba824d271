// The dispatcher's process: started by the supervisor in Haraka's master, or by `ses-bounce dispatch`.
// It ends when its parent does, after the call in progress. All other jobs wait in the store.

import path from 'node:path'
import { compileDispatcherSettings } from '../app/dispatcher-settings'
import { silenceNodeVersionWarning } from '../aws-sdk'
import { openConfiguration } from '../config/configuration'
import { withoutHidden } from '../config/hidden-values'
import { restorerFor } from '../config/restore'
import { snapshotFile } from '../config/snapshot'
import { errorMessage } from '../errors'
import { inheritedMailPlace, openMailStore } from '../quarantine/open-store'
import { COUNTED } from '../queue/counters'
import { MetricsBuffer } from '../queue/metrics-buffer'
import { startMetricsFlush } from '../queue/metrics-flush'
import { openCounterStore, openDispatcherQueue, openMailLedger, openQueueReader } from '../queue/open'
import type { DispatcherQueue } from '../queue/store'
import { StoreCounts } from '../queue/store-counts'
import { fromEnvironment, passwordIn, placeFor, type QueuePlace, targetAt } from '../queue/target'
import { EMULATOR_CREDENTIALS, type SesEmulator } from '../ses-emulator/options'
import { CallCounts } from './call-counts'
import { clockOf, systemClock } from './clock'
import { Dispatcher } from './dispatcher'
import { KeptMail } from './kept-mail'
import { type FromDispatcher, isToDispatcher } from './messages'
import type { Log } from './region-sender'
import { watchRelays } from './relay-watch'
import { createSes } from './ses'

/** Any region: only the code is warmed up. */
const WARM_UP_REGION = 'us-east-1'

/**
 * `place`: of the queue that Haraka's workers write to, whatever the settings say by now; undefined: the settings'.
 * `told`: to stop. Resolves when it has stopped, also because its settings want a new dispatcher. Rejects when it can't
 * start, or the store can't be used.
 */
export async function dispatch(
  harakaDir: string,
  place: QueuePlace | undefined,
  log: Log,
  told: AbortSignal,
): Promise<void> {
  const configuration = openConfiguration({
    configDir: path.join(harakaDir, 'config'),
    compile: sources => compileDispatcherSettings(sources, process.env),
    snapshotFile: snapshotFile(harakaDir),
    restored: restorerFor(path.join(harakaDir, 'config')),
    keepsSnapshot: false,
    fallsBack: true,
    log,
    onChange: now => {
      if ((now.ses.endpoint === 'local') === (local !== undefined)) return
      // no bounce may go to the old endpoint any more: its supervisor starts a new dispatcher
      log('notice', '[ses] endpoint has changed: the dispatcher starts again')
      dispatcher.stop()
    },
  })
  const settings = () => configuration.current()
  const metricsBuffer = new MetricsBuffer()
  const target = targetAt(
    place ?? placeFor(settings().queue, harakaDir),
    () => passwordIn(settings().queue),
    new StoreCounts(metricsBuffer),
  )
  const queue = await openDispatcherQueue(target)
  const clock = clockOf(queue)
  await learnTime(queue)
  const metricsFlush = startMetricsFlush({ metricsBuffer, open: () => openCounterStore(target), log })
  const local =
    settings().ses.endpoint === 'local' ? await startEmulator(settings().limit.intervalMs, log) : undefined
  const ses = createSes(
    () => ({
      endpoint: local?.url ?? settings().ses.endpoint,
      timeoutMs: settings().ses.timeoutMs,
      accounts: settings().accounts,
      ...(local && { credentials: EMULATOR_CREDENTIALS }),
    }),
    () => systemClock.monoMs(),
  )
  const dispatcher = new Dispatcher({
    queue,
    ses,
    clock,
    settings,
    log,
    counts: new CallCounts(metricsBuffer),
  })

  told.addEventListener('abort', () => dispatcher.stop(), { once: true })
  // it may have been stopped while the emulator started
  if (told.aborted) dispatcher.stop()
  process.on('message', message => {
    if (!isToDispatcher(message)) return
    if (message.event === 'wake') dispatcher.wake()
    else dispatcher.stop()
  })

  await ses.warmUp(settings().ses.regions[0] ?? WARM_UP_REGION)
  const over = new AbortController()
  const mailPlace = inheritedMailPlace() ?? settings().quarantine.store
  const store = openMailStore(mailPlace, harakaDir, target, () => systemClock.nowMs() - clock.nowMs())
  const ledger = await openMailLedger(target, { home: store.home })
  const reader = await openQueueReader(target)
  const keptMail = new KeptMail({
    ledger,
    store,
    leads: () => dispatcher.leads,
    quarantined: reason => metricsBuffer.count(COUNTED.quarantined, { reason }),
    settings,
    clock,
    log,
    stop: over.signal,
  }).run()
  const watching = watchRelays({
    signs: nowMs => reader.relaySigns(nowMs),
    recipients: () => settings().relay.recipients,
    clock,
    log,
    stop: over.signal,
  })
  try {
    await dispatcher.run()
  } finally {
    over.abort()
    await keptMail
    await ledger.close()
    await watching
    await reader.close()
    configuration.stop()
    ses.close()
    await local?.close()
    await metricsFlush.close()
    await queue.close()
  }
}

/** A queue that can't be asked says so when the dispatcher asks for the lead, which is tried again. */
async function learnTime({ clock }: DispatcherQueue): Promise<void> {
  try {
    await clock.learn()
  } catch {
    // the host's time counts until the first answer
  }
}

/** `endpoint = local`: an emulator that knows every mail, and sends nothing. */
async function startEmulator(intervalMs: number, log: Log): Promise<SesEmulator> {
  // only for [ses] endpoint = local
  const { startSesEmulator } = require('../ses-emulator/server') as typeof import('../ses-emulator/server')
  const local = await startSesEmulator({ intervalMs, messages: 'any', identities: 'any' })
  log('notice', `[ses] endpoint = local: bounces go to the emulator at ${local.url}, not to SES`)
  return local
}

function relayLog(level: FromDispatcher['level'], message: string): void {
  const line: FromDispatcher = { event: 'log', level, message: `dispatcher: ${withoutHidden(message)}` }
  // the parent may have ended already
  if (process.connected) process.send?.(line, undefined, undefined, () => undefined)
}

if (require.main === module) {
  silenceNodeVersionWarning()
  const told = new AbortController()
  for (const event of ['disconnect', 'SIGTERM', 'SIGINT']) process.once(event, () => told.abort())
  dispatch(process.argv[2] ?? process.cwd(), fromEnvironment(process.env), relayLog, told.signal).then(
    () => process.exit(0),
    (error: unknown) => {
      relayLog('error', errorMessage(error))
      setImmediate(() => process.exit(1))
    },
  )
}
