// The status page of the demo's Haraka: its address, its token, and whether it answers.
// Without express, or without an answer, the demo goes on and says that there is no page.

import { randomBytes } from 'node:crypto'
import { realpathSync } from 'node:fs'
import { get } from 'node:http'
import { createRequire } from 'node:module'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Stage } from './stage'
import type { Terminal } from './terminal'

export interface StatusPage {
  port: number
  url: string
  /** Made for this run. */
  token: string
}

/** The time limit: Haraka serves the page a moment after it accepts mail. */
const LONGEST_MS = 20_000
const STEP_MS = 25

/** Undefined: express isn't installed. */
export function pageAt(port: number, packageDir: string): StatusPage | undefined {
  if (!hasExpress(packageDir)) return undefined
  // hexadecimal, so that a double click selects all of it
  return { port, url: `http://127.0.0.1:${port}/ses-bounce/`, token: randomBytes(16).toString('hex') }
}

function hasExpress(packageDir: string): boolean {
  try {
    const haraka = realpathSync(path.join(packageDir, 'node_modules/Haraka'))
    createRequire(path.join(haraka, 'server.js')).resolve('express')
    return true
  } catch {
    return false
  }
}

/** `http://127.0.0.1:8080/ses-bounce/ with the token 0123456789abcdef` */
export function whereText({ url, token }: StatusPage, { paint }: Terminal): string {
  return `${paint('cyan', url)} with the token ${paint('bold', token)}`
}

/** Shows the address once the page answers. Undefined: it doesn't. Rejects when the signal is aborted. */
export async function showPage(
  page: StatusPage | undefined,
  { terminal, stop }: Pick<Stage, 'terminal' | 'stop'>,
): Promise<StatusPage | undefined> {
  if (page === undefined) {
    terminal.line('No status page: express is not installed here; npm ci installs it.')
    return undefined
  }
  if (await isServed(page, stop)) {
    terminal.line(`Watch it in a browser: ${whereText(page, terminal)}`)
    return page
  }
  terminal.line(`No status page: ${page.url} does not answer; haraka.log may say why.`)
  return undefined
}

async function isServed(page: StatusPage, stop: AbortSignal): Promise<boolean> {
  const endMs = performance.now() + LONGEST_MS
  while (!(await answers(page))) {
    if (performance.now() > endMs) return false
    await pause(STEP_MS, undefined, { signal: stop })
  }
  return true
}

/** Asks with the token, which another program's page would refuse. */
function answers({ url, token }: StatusPage): Promise<boolean> {
  return new Promise(resolve => {
    const headers = { authorization: `Bearer ${token}` }
    // without an agent, so that no proxy is used and no connection stays open
    const request = get(`${url}v1/bounces?limit=1`, { agent: false, headers, timeout: LONGEST_MS })
    request.once('response', response => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}
