// The API over a real queue file and a real express, in this process, with a clock of the test's own.
// Every answer that is asked for here is held against the API's description.

import assert from 'node:assert/strict'
import type { Server } from 'node:http'
import path from 'node:path'
import { type ActiveConfig, compileActiveConfig } from '../../src/app/active-config'
import { snapshotSources } from '../../src/config/sources'
import { allRoutes, type HttpContext } from '../../src/http/routes'
import { WrongTokens } from '../../src/http/wrong-tokens'
import type { Endpoint } from '../../src/quarantine/endpoint'
import { openFolderStore } from '../../src/quarantine/folder-store'
import type { MailStore } from '../../src/quarantine/mail-store'
import { folderTokens } from '../../src/quarantine/release-token'
import {
  openDispatcherQueue,
  openOperatorQueue,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteOperatorQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { openWorkerThreads } from '../../src/worker-thread/worker-threads'
import { builtFile } from '../live/support/package-folder'
import { takeLead, temporaryFolder } from '../queue/support'
import { assertDescribed } from './described'
import { bearer, serveRoutes, TOKEN } from './support'

export interface Answer {
  status: number
  headers: Headers
  /** `data` of a success, or the `error` of a failure. */
  data: Record<string, unknown>
  code: string | undefined
  /** `field: message` */
  details: string[]
}

export interface Api {
  queue: SqliteWorkerQueue
  operator: SqliteOperatorQueue
  dispatcher: SqliteDispatcherQueue
  clock: { ms: number; monoMs: number }
  log: string[]
  /** The bounces that were counted for the metrics. */
  submitted: string[]
  /** How often the dispatcher was woken. */
  wakes: number
  url: string
  server: Server
  file: string
  /** A test that wants them makes them. */
  mailStore: MailStore
  /** Where mail is released to. */
  smtp: { endpoint?: Endpoint }
  /** Another configuration comes into force. `token`: '' is none. `http`: more lines of [http]. */
  configure(ini: string, trusted?: string, token?: string, http?: string): void
  ask(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  close(): Promise<void>
}

/** 1 January 2025, noon. */
export const NOW_MS = Date.UTC(2025, 0, 1, 12)

const FILES = { host_list: 'yours.example\n', me: 'mx.yours.example\n' }

export async function startApi(ini = '', rules = ''): Promise<Api> {
  const temporary = temporaryFolder()
  const file = path.join(temporary.folder, 'queue.sqlite')
  const mailStore = openFolderStore(temporary.folder)
  const queue = openWorkerQueue(file, { create: true })
  const dispatcher = openDispatcherQueue(file)
  const operator = openOperatorQueue(file, { busyMs: 0 })
  const threads = openWorkerThreads(builtFile('src/worker-thread/thread.js'))
  const smtp: Api['smtp'] = {}
  const clock = { ms: NOW_MS, monoMs: 1_000_000_000 }
  takeLead(dispatcher, clock.monoMs)
  let activeConfig = compiled(ini, rules)
  let wakes = 0
  const submitted: string[] = []
  const served = await serveRoutes(
    [],
    log => {
      const context: HttpContext = {
        activeConfig: () => activeConfig,
        diagnostics: () => [],
        queue: () => queue,
        operator: () => operator,
        mailStore,
        threads,
        releaseTokens: async () => folderTokens(path.join(temporary.folder, 'passes')),
        releaseLocks: path.join(temporary.folder, 'releasing'),
        smtpEndpoint: async () => smtp.endpoint,
        surges: () => [],
        host: undefined,
        configDigest: () => '0123456789ab',
        submitted: ({ rule, sesId, recipient }) => void submitted.push(`${rule} ${sesId} ${recipient}`),
        wake: () => void wakes++,
        log: (level, message) => void log.push(`${level}: ${message}`),
        nowMs: () => clock.ms,
        nowMonoMs: () => clock.monoMs,
      }
      return context
    },
    allRoutes,
    // how long they take is another test's: here thousands may be asked
    context =>
      new WrongTokens({
        warn: line => context.log('warn', line),
        nowMonoMs: () => context.nowMonoMs(),
        wait: async () => undefined,
      }),
  )
  return {
    queue,
    operator,
    dispatcher,
    clock,
    log: served.log,
    submitted,
    get wakes() {
      return wakes
    },
    url: served.url,
    server: served.server,
    file,
    mailStore,
    smtp,
    configure(text, trusted, token, http) {
      activeConfig = compiled(text, rules, trusted, token, http)
    },
    async ask(method, where, body, headers = {}) {
      const response = await fetch(served.url + where, {
        method,
        headers: {
          ...bearer,
          ...(body !== undefined && { 'Content-Type': 'application/json' }),
          ...headers,
        },
        ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const json = JSON.parse(await response.text()) as {
        data?: Record<string, unknown>
        error?: Record<string, unknown> & { code: string; details?: { field: string; message: string }[] }
      }
      assertDescribed(method, where, response.status, json)
      return {
        status: response.status,
        headers: response.headers,
        data: json.data ?? json.error ?? json,
        code: json.error?.code,
        details: (json.error?.details ?? []).map(({ field, message }) => `${field}: ${message}`),
      }
    },
    async close() {
      await served.close()
      threads.close()
      for (const one of [queue, dispatcher, operator]) one.close()
      temporary.remove()
    },
  }
}

function compiled(ini: string, rules: string, trusted = '127.0.0.1', token = TOKEN, http = ''): ActiveConfig {
  const text = `[relay]\ntrusted = ${trusted}\n${ini}\n[http]\ntoken = ${token}\n${http}\n`
  const files = { ...FILES, 'ses-bounce.ini': text, 'ses-bounce-rules.ini': rules }
  const { value, diagnostics } = compileActiveConfig(snapshotSources(files), {})
  assert.deepEqual(
    diagnostics.filter(({ severity }) => severity === 'error'),
    [],
  )
  return value
}

let counter = 0

/** A valid submission; each is for another mail and another sender. */
export function submission(changes: Record<string, unknown> = {}): Record<string, unknown> {
  counter += 1
  return {
    original_message_id: `mail-${counter}-0000`,
    region: 'eu-west-1',
    received_at: new Date(NOW_MS - 60_000).toISOString(),
    sender: `sender-${'abcdefghij'[counter % 10]}x${counter}@origin${counter}.example`,
    recipients: [{ address: 'user@yours.example', type: 'DoesNotExist' }],
    authenticated: true,
    ...changes,
  }
}
