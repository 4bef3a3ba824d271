import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { openQueueReader } from '../../src/queue/sqlite/open'
import { type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { dispatcherPid } from './support/dispatcher'
import { noteLag, tooSoon } from './support/pace'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

const INTERVAL_MS = 150

describe('two Harakas on one queue', function () {
  let folder: string
  let ses: SesEmulator
  let first: Product
  let second: Product

  before(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-'))
    // it may read a call late: what came too soon is found by the calls' times
    ses = await startSesEmulator({ intervalMs: INTERVAL_MS / 2, onCall: noteLag })
    const options = {
      localSes: ses,
      haraka: { nodes: 1 },
      ini: {
        limit: { interval: `${INTERVAL_MS}ms` },
        queue: { path: path.join(folder, 'queue.sqlite') },
      },
    }
    first = await startProduct(options)
    await first.haraka.waitForLog(/dispatching/)
    second = await startProduct(options)
    await second.haraka.waitForLog(/from this queue; waiting/)
  })
  after(async () => {
    await first.stop()
    await second.stop()
    await ses.close()
    rmSync(folder, { recursive: true, force: true })
  })

  function sent(): number {
    const reader = openQueueReader(path.join(folder, 'queue.sqlite'))
    try {
      return reader.countByState().sent
    } finally {
      reader.close()
    }
  }

  async function deliverToBoth(count: number): Promise<void> {
    const mails = Array.from({ length: count }, (_, n) => (n % 2 ? first : second).deliver())
    for (const { reply } of await Promise.all(mails)) assert.equal(reply.code, 250)
  }

  function assertPace(): void {
    assert.deepEqual(tooSoon(ses.calls, INTERVAL_MS), [])
  }

  it('one sends the bounces of both, at one pace', async () => {
    await deliverToBoth(10)
    await until(() => sent() === 10, { what: 'ten bounces' })
    assert.equal(ses.calls.length, 10)
    assertPace()
  })

  it('a dispatcher that is frozen loses the queue to the other, and changes nothing when it wakes up', async () => {
    const before = sent()
    const frozen = await dispatcherPid(first)
    first.haraka.kill(frozen, 'SIGSTOP')
    const since = second.haraka.log().length
    await deliverToBoth(6)
    await second.haraka.waitForLog(/dispatching/, { since })
    first.haraka.kill(frozen, 'SIGCONT')
    await until(() => sent() === before + 6, { what: 'six bounces more' })
    assertPace()
  })

  it('when a dispatcher with a stopped master is killed, the other takes over, and the first one waits when it is back', async () => {
    const before = sent()
    const pid = await dispatcherPid(second)
    const since = first.haraka.log().length
    const mails = await Promise.all(Array.from({ length: 6 }, () => first.deliver()))
    for (const { reply } of mails) assert.equal(reply.code, 250)
    second.haraka.kill(second.haraka.pid, 'SIGSTOP')
    second.haraka.kill(pid, 'SIGKILL')
    await first.haraka.waitForLog(/dispatching/, { since })
    await until(() => sent() === before + 6, { what: 'six bounces more' })
    assertPace()
    const sinceBack = second.haraka.log().length
    second.haraka.kill(second.haraka.pid, 'SIGCONT')
    await second.haraka.waitForLog(/from this queue; waiting/, { since: sinceBack })
  })

  it('when the one that sends is killed, the other takes over within seconds', async () => {
    const before = sent()
    const since = second.haraka.log().length
    first.haraka.kill(first.haraka.pid, 'SIGKILL')
    const mails = await Promise.all(Array.from({ length: 4 }, () => second.deliver()))
    for (const { reply } of mails) assert.equal(reply.code, 250)
    await second.haraka.waitForLog(/dispatching/, { since })
    await until(() => sent() === before + 4, { what: 'four bounces more' })
    assertPace()
  })
})
