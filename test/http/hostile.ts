// Somebody else's words, as bad as can be, in whatever the page shows of the queue, the rules and the configuration.

import { MetricsBuffer } from '../../src/queue/metrics-buffer'
import { openCounterStore } from '../../src/queue/sqlite/open'
import { HOUR_MS, request } from '../queue/support'
import { type Api, NOW_MS } from './api-support'

export const EVIL = `"'><script>alert(1)</script>&amp;<img src=x onerror=alert(1)>\u202etxt\r\n\u0007\u2066`
export const EVIL_RULE = `rule ${EVIL}`

/** Ids of the two jobs: a hostile one, whose deadline is sooner, and a plain one. */
export function fillHostile(api: Api): string[] {
  const hostile = {
    sesId: `ses-${EVIL}`,
    region: `region ${EVIL}`,
    sender: `sender ${EVIL}`,
    bounceSender: `daemon ${EVIL}`,
    bounceSenderArn: `arn ${EVIL}`,
    reportingMta: `dns; ${EVIL}`,
    explanation: `explanation ${EVIL}`,
    rule: EVIL_RULE,
    deadlineMs: NOW_MS + HOUR_MS,
  }
  const recipient = { address: `to ${EVIL}`, status: `5.1.1 ${EVIL}`, diagnostic: `smtp; ${EVIL}` }
  const added = api.queue.add(
    [request({ ...hostile, recipient }), request({ deadlineMs: NOW_MS + 2 * HOUR_MS })],
    NOW_MS,
  )
  const metricsBuffer = new MetricsBuffer()
  metricsBuffer.hit(EVIL_RULE, NOW_MS - 5000)
  metricsBuffer.decided({
    atMs: NOW_MS - 5000,
    sesId: `ses-${EVIL}`,
    sender: `from ${EVIL}`,
    detail: `because ${EVIL}`,
    recipient: `decided ${EVIL}`,
    rule: EVIL_RULE,
    action: 'quarantine',
    reason: 'unsafe',
    isObserved: false,
  })
  metricsBuffer.reloaded({ atMs: NOW_MS - 9000, state: 'edited', errors: [`wrong ${EVIL}`] })
  const store = openCounterStore(api.file)
  metricsBuffer.flushTo(counted => store.add(counted))
  store.close()
  return added.map(({ jobId }) => jobId ?? '')
}
