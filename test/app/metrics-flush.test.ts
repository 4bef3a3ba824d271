// Processes that flush counts: any, but for one that would spoil the files for the workers.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PluginRuntime } from '../../src/app/plugin-runtime'
import { openQueueReader, openWorkerQueue } from '../../src/queue/sqlite/open'
import { temporaryFolder } from '../queue/support'

const isRoot = process.geteuid?.() === 0

describe('the counts of a process that ends', () => {
  let dir: string
  let remove: () => void
  beforeEach(() => {
    const temporary = temporaryFolder()
    dir = temporary.folder
    remove = temporary.remove
    mkdirSync(path.join(dir, 'config'))
  })
  afterEach(() => remove())

  /** Mails that are on record when a process has looked at one and ended. */
  function inspected(smtpIni: string, { trusted = '127.0.0.1', isWorker = true } = {}): number {
    writeFileSync(path.join(dir, 'config/smtp.ini'), smtpIni)
    writeFileSync(path.join(dir, 'config/ses-bounce.ini'), `[relay]\ntrusted = ${trusted}\n`)
    const file = path.join(dir, 'ses-bounce/queue.sqlite')
    openWorkerQueue(file, { create: true }).close()
    const listeners = process.listenerCount('exit')
    const runtime = new PluginRuntime({ harakaDir: dir, isWorker, log: () => undefined })
    runtime.counts.inspected()
    runtime.close()
    assert.equal(process.listenerCount('exit'), listeners, 'nothing of it is left')
    const reader = openQueueReader(file)
    try {
      return reader.sums().find(({ name }) => name === 'ses_bounce_mails_inspected_total')?.value ?? 0
    } finally {
      reader.close()
    }
  }

  it('are flushed', () => {
    assert.equal(inspected(''), 1)
  })

  it('are not flushed while the plugin is idle, as there may be no file', () => {
    assert.equal(inspected('', { trusted: '' }), 0)
  })

  it('are not flushed by a master that has not made the files yet, as its connection would lose its locks', () => {
    assert.equal(inspected('', { isWorker: false }), 0)
  })

  it('are not flushed by root if the workers have another user, as SQLite would make -wal and -shm for root', function () {
    if (!isRoot) return this.skip()
    assert.equal(inspected('user=65534\ngroup=65534\n'), 0)
  })
})
