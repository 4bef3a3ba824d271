// Lanes with accounts, from a real queue through the real SDK to an emulator: what becomes of a role that is refused, of
// credentials that end, and of an account that the configuration has no more.

import assert from 'node:assert/strict'
import path from 'node:path'
import { loadSettings, parseSettings } from '../../src/config/load'
import { systemClock } from '../../src/dispatch/clock'
import { Dispatcher } from '../../src/dispatch/dispatcher'
import { createSes } from '../../src/dispatch/ses'
import { openDispatcherQueue, openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import type { WorkerQueue } from '../../src/queue/store'
import type { Call, SesEmulator } from '../../src/ses-emulator/server'
import { EMULATOR_CREDENTIALS, startSesEmulator } from '../../src/ses-emulator/server'
import { newSesId } from '../live/support/mail'
import { PATIENCE_MS, until } from '../live/support/wait'
import { HOUR_MS, request, temporaryFolder } from '../queue/support'

const [ONE, TWO] = ['111111111111', '222222222222']
const sectionOf = (name: string, account: string) =>
  `[account.${name}]\nrole = arn:aws:iam::${account}:role/ses-bounce\ndomains = ${name}.example\n`
const INI = `[limit]\ninterval = 30ms\nslack = 0ms\n${sectionOf('one', ONE)}${sectionOf('two', TWO)}`
/** Instead of a minute. */
const BLOCKED_PAUSE_MS = 300

describe('a lane with an account', () => {
  let ses: SesEmulator
  let worker: WorkerQueue
  let running: { ini: string; log: string[]; file: string; stop: () => Promise<void> }

  async function start(options: Parameters<typeof startSesEmulator>[0] = {}): Promise<void> {
    const { folder, remove } = temporaryFolder()
    const file = path.join(folder, 'queue.sqlite')
    worker = openWorkerQueue(file, { create: true })
    ses = await startSesEmulator({ intervalMs: 0, ...options })
    const log: string[] = []
    const state = { ini: INI, log, file, stop: () => Promise.resolve() }
    const settings = () => loadSettings(parseSettings(state.ini), {}).settings
    const client = createSes(
      () => ({
        endpoint: ses.url,
        timeoutMs: PATIENCE_MS,
        credentials: EMULATOR_CREDENTIALS,
        accounts: settings().accounts,
      }),
      () => systemClock.monoMs(),
    )
    const queue = openDispatcherQueue(file)
    const dispatcher = new Dispatcher({
      queue,
      ses: client,
      clock: systemClock,
      settings,
      log: (level, message) => log.push(`${level} ${message}`),
      blockedPauseMs: BLOCKED_PAUSE_MS,
    })
    const ended = dispatcher.run()
    state.stop = async () => {
      dispatcher.stop()
      await ended
      client.close()
      for (const one of [queue, worker]) await one.close()
      await ses.close()
      remove()
    }
    running = state
  }
  afterEach(() => running.stop())

  async function add(account: string, region = 'eu-west-1'): Promise<string> {
    const sesId = newSesId()
    const receivedAtMs = Date.now()
    const deadlineMs = receivedAtMs + 24 * HOUR_MS
    const recipient = { ...request().recipient, address: `user-${sesId}@yours.example` }
    await worker.add(
      [request({ sesId, region: `${account}/${region}`, receivedAtMs, deadlineMs, recipient })],
      receivedAtMs,
    )
    return sesId
  }

  function jobOf(sesId: string) {
    const reader = openQueueReader(running.file)
    try {
      return [...reader.jobs({ sesId })][0]
    } finally {
      reader.close()
    }
  }
  const sent = (sesId: string) =>
    until(() => jobOf(sesId)?.state === 'sent', { what: `the bounce of ${sesId}` })
  const asked = (account: string) =>
    ses.calls.filter(
      ({ action, params }) => action === 'AssumeRole' && (params['RoleArn'] ?? '').includes(account),
    )
  const bounces = (account: string) =>
    ses.calls.filter(call => call.account === account && call.action === 'SendBounce')
  const said = (what: RegExp) => running.log.filter(line => what.test(line))

  it('whose role is refused is paused and tried again, alone, and works by itself once it is allowed', async () => {
    await start({
      faults: subject => (subject.params['RoleArn']?.includes(ONE) ? { kind: 'denied' } : undefined),
    })
    const waiting = [await add(ONE), await add(ONE), await add(ONE, 'us-east-1')]
    await sent(await add(TWO))
    await until(() => asked(ONE).filter(({ region }) => region === 'eu-west-1').length >= 3, {
      what: 'the third try',
    })
    await sent(await add(TWO))
    assert.deepEqual(bounces(ONE), [])
    ses.setFaults([])
    for (const sesId of waiting) await sent(sesId)
    assert.deepEqual(
      said(/is paused/).map(line => line.replace(/,.*: 403/, ': 403').replace(/User: \S+/, 'User')),
      ['eu-west-1', 'us-east-1'].map(
        region =>
          `error region=${ONE}/${region} is paused: 403 AccessDenied: User is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::${ONE}:role/ses-bounce`,
      ),
    )
    assert.equal(said(/works again/).length, 2)
  })

  it('renews its credentials before they end, so that SES never sees ended ones, and no call waits', async () => {
    await start({ sessionMs: 4000 })
    const ids: string[] = []
    const endMs = performance.now() + 9000
    while (performance.now() < endMs) {
      const sesId = await add(ONE)
      ids.push(sesId)
      await sent(sesId)
    }
    assert.ok(asked(ONE).length >= 3, `${asked(ONE).length} sessions`)
    assert.deepEqual(refusals(ses.calls), [])
  })

  it('goes on with its credentials while they are valid and STS gives no new ones', async () => {
    // a busy machine must make a bounce in what is left of it once its renewal is due
    await start({ sessionMs: 12_000 })
    await sent(await add(ONE))
    const renewals = () => asked(ONE).slice(1)
    const between = () => bounces(ONE).filter(({ number }) => number > (renewals()[0]?.number ?? Infinity))
    // each renewal, until a bounce was made after the first
    ses.setFaults(({ action }) =>
      action === 'AssumeRole' && between().length === 0 ? { kind: 'throttle' } : undefined,
    )
    while (renewals().at(-1)?.outcome.status !== 200) await sent(await add(ONE))
    assert.equal(renewals()[0]?.outcome.code, 'Throttling')
    assert.ok(between().length > 0)
    assert.deepEqual(refusals(between()), [])
    assert.deepEqual(said(/paused/), [])
  })

  for (const [what, offsetMs] of [
    ['behind', HOUR_MS],
    ['ahead of', -HOUR_MS],
  ] as const) {
    it(`works on a host whose clock is an hour ${what} that of AWS, and asks for its role no more often`, async () => {
      await start({ clock: () => Date.now() + offsetMs })
      for (let n = 0; n < 3; n++) await sent(await add(ONE))
      // one with the wrong time, and one with that of STS
      assert.equal(asked(ONE).length, 2)
      assert.deepEqual(said(/paused/), [])
    })
  }

  it('whose account left the configuration waits and says so, and goes on when it is back', async () => {
    await start()
    running.ini = INI.replace(ONE, '999999999999')
    const sesId = await add(ONE)
    await until(() => said(/is paused/).length > 0, { what: 'the pause' })
    assert.match(said(/is paused/)[0] ?? '', new RegExp(`no \\[account.NAME\\] has a role in account ${ONE}`))
    await sent(await add(TWO))
    assert.equal(jobOf(sesId)?.state, 'queued')
    running.ini = INI
    await sent(sesId)
  })

  it('needs no answer of STS to be stopped', async () => {
    await start({ faults: ({ action }) => (action === 'AssumeRole' ? { kind: 'silence' } : undefined) })
    await add(ONE)
    await until(() => asked(ONE).length > 0, { what: 'STS to be asked' })
    await running.stop()
    running.stop = () => Promise.resolve()
    assert.deepEqual(bounces(ONE), [])
  })
})

function refusals(calls: readonly Call[]): string[] {
  return calls.flatMap(({ action, outcome }) =>
    outcome.code === undefined ? [] : [`${action} ${outcome.code}`],
  )
}
