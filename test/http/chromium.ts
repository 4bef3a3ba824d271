// A real Chromium for tests of the status page: Debian's package `chromium`, or what CHROMIUM names.
// All that a page asks for, says on its console or would show as a dialog is noted. Without a Chromium, tests are skipped.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { Suite } from 'mocha'
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core'
import { bearer } from './support'

/** None of it needs anybody but the page's own server. */
const ARGS = [
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const executablePath =
  process.env['CHROMIUM'] ??
  (process.env['PATH'] ?? '')
    .split(path.delimiter)
    .map(folder => path.join(folder, 'chromium'))
    .find(existsSync)

/** Rejects where there is none. */
export function launchChromium(): Promise<Browser> {
  assert.ok(executablePath, 'there is no chromium in PATH')
  // its sandbox can't be had by root
  return chromium.launch({ executablePath, args: ARGS, chromiumSandbox: process.getuid?.() !== 0 })
}

/** In a `describe`: one browser for all of its tests. */
export function useChromium(suite: Suite): { readonly browser: Browser } {
  let browser: Browser | undefined
  suite.beforeAll(async function () {
    if (executablePath === undefined) this.skip()
    browser = await launchChromium()
  })
  suite.afterAll(() => browser?.close())
  return {
    get browser() {
      assert.ok(browser)
      return browser
    },
  }
}

export interface Watched {
  page: Page
  /** Paths that were asked for; whole addresses where they are of another host. */
  asked: string[]
  /** Lines of scripts and complaints of the browser: blocked by the policy, not found, thrown. */
  said: string[]
  dialogs: string[]
  close(): Promise<void>
}

/** `isTrusted`: with the token, as a program gives it. */
export async function openPage(
  browser: Browser,
  base: string,
  { isTrusted = true, ...options }: BrowserContextOptions & { isTrusted?: boolean } = {},
): Promise<Watched> {
  const context = await browser.newContext({ ...(isTrusted && { extraHTTPHeaders: bearer }), ...options })
  const page = await context.newPage()
  const watched: Watched = { page, asked: [], said: [], dialogs: [], close: () => context.close() }
  const { origin } = new URL(base)
  page.on('request', request => {
    const url = new URL(request.url())
    watched.asked.push(url.origin === origin ? url.pathname : request.url())
  })
  page.on('console', message => void watched.said.push(message.text()))
  page.on('pageerror', error => void watched.said.push(String(error)))
  page.on('dialog', dialog => {
    watched.dialogs.push(dialog.message())
    void dialog.dismiss().catch(() => undefined)
  })
  return watched
}
