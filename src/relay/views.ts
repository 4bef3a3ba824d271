// The relay's own web server: its health, and its metrics. Without a token, as both hold counts alone.

import { createServer, type Server } from 'node:http'
import { Counter, Gauge, Registry } from 'prom-client'
import type { RelayState } from './run'

/** SQS answers a long poll within 20 s. */
const SILENT_MS = 90_000

/** `/health`: 200 while SQS answers, else 503. `/metrics`: for Prometheus. */
export function serveRelayViews(
  { host, port }: { host: string; port: number },
  state: RelayState,
): Promise<Server> {
  const registry = new Registry()
  const messages = new Counter({
    name: 'ses_bounce_relay_messages_total',
    help: 'Messages of the queue, by what came of them',
    labelNames: ['result'],
    registers: [],
    collect() {
      this.reset()
      for (const [result, count] of Object.entries(state.counts)) this.inc({ result }, count)
    },
  })
  const up = new Gauge({
    name: 'ses_bounce_relay_up',
    help: '1 while SQS answers',
    registers: [],
    collect() {
      this.set(isUp(state) ? 1 : 0)
    },
  })
  for (const metric of [messages, up]) registry.registerMetric<string>(metric)
  const server = createServer((request, response) => {
    const path = request.url?.split('?', 1)[0]
    const answer = (status: number, type: string, body: string) =>
      response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' }).end(body)
    if (path === '/health') {
      const ok = isUp(state)
      answer(ok ? 200 : 503, 'application/json', `${JSON.stringify({ ok, counts: state.counts })}\n`)
    } else if (path === '/metrics') {
      registry.metrics().then(
        text => answer(200, registry.contentType, text),
        () => answer(500, 'text/plain', ''),
      )
    } else answer(404, 'text/plain', 'there are /health and /metrics\n')
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => resolve(server))
  })
}

function isUp({ answeredMonoMs }: RelayState): boolean {
  return answeredMonoMs !== undefined && performance.now() - answeredMonoMs < SILENT_MS
}
