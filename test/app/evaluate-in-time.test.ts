// The time at which a mail is evaluated, on a host whose clock is another one than the queue's: a real queue file, whose
// time this process learns when it opens it.

import assert from 'node:assert/strict'
import path from 'node:path'
import { type ActiveConfig, compileActiveConfig } from '../../src/app/active-config'
import { evaluateInTime } from '../../src/app/evaluate-in-time'
import type { IncomingMail } from '../../src/app/evaluate-mail'
import { snapshotSources } from '../../src/config/sources'
import { openWorkerQueue } from '../../src/queue/sqlite/open'
import { sesMail } from '../live/support/mail'
import { temporaryFolder } from '../queue/support'

const QUEUE_MS = Date.now()
const HOUR_MS = 3_600_000
/** Soon after the start of a machine, so that no dispatcher is missed. */
const NOW_MONO_MS = 1000

function configured(condition: string): ActiveConfig {
  const { value, diagnostics } = compileActiveConfig(
    snapshotSources({
      'ses-bounce.ini': '[relay]\ntrusted = 127.0.0.1\n[guard]\nauthentication = none\n',
      'ses-bounce-rules.ini': `[gone]\n${condition}\naction = bounce\n`,
      host_list: 'yours.example\n',
      plugins: 'ses-bounce\n',
    }),
    {},
  )
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  )
  return value
}

/** The evaluation, and how often the queue was asked for. */
async function evaluated(condition: string, aheadMs: number) {
  const { folder, remove } = temporaryFolder()
  const queue = openWorkerQueue(path.join(folder, 'queue.sqlite'), { create: true })
  let opened = 0
  try {
    const hostMs = QUEUE_MS + aheadMs
    const { data } = sesMail({ receivedAt: new Date(QUEUE_MS - 23 * HOUR_MS) })
    const header = data.toString('latin1').split('\r\n\r\n', 1)[0] ?? ''
    const mail: IncomingMail = {
      envelope: {
        sender: 'someone@origin.example',
        recipients: [{ address: 'user@yours.example', notifyNever: false }],
        rcptCommands: 1,
        relayIp: '127.0.0.1',
        sizeBytes: data.length,
      },
      headerLines: header.split('\r\n').map(line => `${line}\n`),
      headerIsCut: false,
      ownFields: 0,
      nowMs: hostMs,
      nowMonoMs: NOW_MONO_MS,
      content: () => Promise.reject(new Error('no rule asks for it')),
      results: () => [],
      search: () => Promise.reject(new Error('no rule asks for it')),
    }
    const evaluation = await evaluateInTime(
      mail,
      configured(condition),
      () => {
        opened += 1
        return queue
      },
      { nowMs: () => (opened > 0 ? QUEUE_MS : hostMs), knowsTime: () => opened > 0 },
    )
    return { evaluation, opened }
  } finally {
    queue.close()
    remove()
  }
}

describe('a mail that comes before the queue has told its time', () => {
  it('is bounced where only a host whose clock is ahead would find it too old', async () => {
    const { evaluation } = await evaluated('recipient = @yours.example', 2 * HOUR_MS)
    assert.deepEqual(
      evaluation?.decisions.map(({ action }) => action),
      ['bounce'],
    )
  })

  it('passes where only by a host whose clock is behind a rule about its age would hold', async () => {
    const { evaluation } = await evaluated('recipient = @yours.example\nage = < 12h', -15 * HOUR_MS)
    assert.deepEqual(evaluation?.decisions.map(({ action }) => action) ?? ['accept'], ['accept'])
  })

  it('never asks the queue if no rule can concern it', async () => {
    const { evaluation, opened } = await evaluated('recipient = @other.example', 2 * HOUR_MS)
    assert.deepEqual([evaluation, opened], [undefined, 0])
  })
})
