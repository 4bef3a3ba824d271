// Asking Haraka's web server, each time over a connection of its own, so that the workers take turns.
// An answer that breaks off rejects; one that never comes ends with the test's own patience.

import { readdirSync, readlinkSync } from 'node:fs'
import http from 'node:http'
import path from 'node:path'
import { text } from 'node:stream/consumers'
import { startFlow } from './flow'
import type { RunningHaraka } from './haraka'
import { freePort } from './ports'
import type { Product } from './product'
import { until } from './wait'

export const TOKEN = 'a-token-for-live-tests'

export interface HttpAnswer {
  status: number | undefined
  headers: http.IncomingHttpHeaders
  text: string
}

/** `form`: of a POST. `where`: below /ses-bounce. */
export function askHttp(
  port: number,
  where: string,
  headers: http.OutgoingHttpHeaders = {},
  form?: string,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const method = form === undefined ? 'GET' : 'POST'
    http
      .request({ port, path: `/ses-bounce${where}`, method, agent: false, headers }, response => {
        const answer = { status: response.statusCode, headers: response.headers }
        text(response).then(all => resolve({ ...answer, text: all }), reject)
      })
      .once('error', reject)
      .end(form)
  })
}

export interface Served {
  product: Product
  port: number
}

/** With two workers, both of which serve by now. */
export async function startServed(rules?: string): Promise<Served> {
  const port = await freePort()
  const product = await startFlow({
    ...(rules !== undefined && { rules }),
    ini: { http: { token: TOKEN } },
    files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
    haraka: { nodes: 2 },
  })
  await webServers(product.haraka, 2)
  return { product, port }
}

/** Each worker has a web server of its own, which comes after SMTP. */
export function webServers(haraka: RunningHaraka, count: number): Promise<boolean> {
  return until(() => haraka.log().filter(line => line.includes('init_http_respond')).length === count, {
    what: `${count} web servers`,
  })
}

/** Paths, and what else a process holds open, as Linux names it. */
export function openFiles(pid: number): string[] {
  const folder = `/proc/${pid}/fd`
  return readdirSync(folder).flatMap(name => {
    try {
      return [readlinkSync(path.join(folder, name))]
    } catch {
      // closed meanwhile
      return []
    }
  })
}
