// A Haraka on loopback that accepts every mail and keeps none, with or without the plugin, in its own folder.
// A failed start rejects with the end of its log.

import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type RunningHaraka, startHarakaIn } from '../../test/live/support/haraka'
import { packageFolder } from '../../test/live/support/package-folder'
import { freePort } from '../../test/live/support/ports'
import { makeFolder, removeFolder } from './folder'

export interface HostOptions {
  /** Texts of ses-bounce.ini and ses-bounce-rules.ini; undefined: without the plugin. */
  plugin?: { settings: string; rules: string }
  /** More files in config, by name. */
  files?: Readonly<Record<string, string>>
  /** Worker processes; default: Haraka's own, one. */
  nodes?: number
}

/** A Haraka directory that can be started again and again. */
export class Host {
  readonly dir = makeFolder()
  readonly queueFile = path.join(this.dir, 'ses-bounce/queue.sqlite')
  port = 0
  readonly #nodes: number | undefined
  #running: RunningHaraka | undefined

  constructor({ plugin, files = {}, nodes }: HostOptions) {
    this.#nodes = nodes
    for (const folder of ['config', 'plugins', 'node_modules']) mkdirSync(path.join(this.dir, folder))
    const packageDir = packageFolder()
    const harakas = path.join(packageDir, 'node_modules/Haraka/config/connection.ini')
    const texts: Record<string, string> = {
      plugins: `${plugin ? 'ses-bounce\n' : ''}discard\n`,
      me: 'mx.example.com\n',
      host_list: 'example.com\n',
      // Haraka crashes at every connection without a full one
      'connection.ini': readFileSync(harakas, 'utf8'),
      ...(plugin && { 'ses-bounce.ini': plugin.settings, 'ses-bounce-rules.ini': plugin.rules }),
      ...files,
    }
    for (const [name, text] of Object.entries(texts)) writeFileSync(path.join(this.dir, 'config', name), text)
    writeFileSync(path.join(this.dir, 'plugins/discard.js'), DISCARD_PLUGIN)
    symlinkSync(packageDir, path.join(this.dir, 'node_modules/haraka-plugin-ses-bounce'), 'dir')
  }

  /** Resolves when it accepts mail, with the monotonic milliseconds of its process's start. */
  async start(): Promise<number> {
    this.port = await freePort()
    const nodes = this.#nodes === undefined ? '' : `nodes=${this.#nodes}\n`
    writeFileSync(path.join(this.dir, 'config/smtp.ini'), `listen=127.0.0.1:${this.port}\n${nodes}`)
    const startedMonoMs = Number(process.hrtime.bigint()) / 1e6
    this.#running = await startHarakaIn(
      { dir: this.dir, port: this.port },
      { logFile: path.join(this.dir, 'haraka.log') },
    )
    return startedMonoMs
  }

  /** The faults in its log. */
  complaints(): string {
    const lines = this.#running?.log() ?? []
    return lines
      .filter(line => /\[(?:WARN|ERROR|CRIT|ALERT|EMERG)\]/.test(line))
      .slice(-20)
      .join('\n')
  }

  /** Linux only. */
  workers(): number[] {
    return this.#running?.workers() ?? []
  }

  async stop(): Promise<void> {
    await this.#running?.stop()
    this.#running = undefined
  }

  async close(): Promise<void> {
    await this.stop()
    removeFolder(this.dir)
  }
}

/** The smallest plugin with which a Haraka accepts mail. It ends with the process that started it. */
const DISCARD_PLUGIN = `'use strict'
const cluster = require('node:cluster')

exports.register = () => {
  if (cluster.isPrimary) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}
exports.hook_rcpt = next => next(OK)
exports.hook_queue = next => next(OK, 'Taken')
`
