// /ses-bounce/health for those who restart containers, and /ses-bounce/health/sending for those who watch the bounces.
// For everyone: nothing private is in them.

import { paceOf } from '../app/operator-actions'
import { queueStats } from '../app/queue-stats'
import { verdictData, verdictSettings } from '../app/verdict-settings'
import { QueueError } from '../errors'
import { snakeKeys } from '../json'
import { idleVerdict, unusableQueue, type Verdict, verdictOf, withoutReasons } from '../queue/verdict'
import { json } from './reply'
import type { Route } from './router'
import type { HttpContext } from './routes'

type HealthContext = Pick<HttpContext, 'activeConfig' | 'operator' | 'nowMs' | 'nowMonoMs'>

export function healthRoutes(context: HealthContext): Route[] {
  const get = (path: string, isGood: (verdict: Verdict) => boolean): Route => ({
    method: 'GET',
    path,
    access: 'open',
    answer: async () => {
      const verdict = await currentVerdict(context)
      return json(isGood(verdict) ? 200 : 503, snakeKeys(verdictData(verdict, context.nowMs())))
    },
  })
  return [
    // SES is another matter: a new start of Haraka wouldn't help
    get('/health', ({ reasons }) => !reasons.some(({ kind }) => kind === 'queue_unusable')),
    get('/health/sending', ({ isSending }) => isSending),
  ]
}

/** Rejects with faults of this program only. */
async function currentVerdict(context: HealthContext): Promise<Verdict> {
  const { settings, idle } = context.activeConfig()
  // there is no queue until a relay is trusted
  if (idle) return idleVerdict()
  try {
    const reader = await context.operator()
    const now = { ms: context.nowMs(), monoMs: context.nowMonoMs() }
    const stats = withoutReasons(await queueStats(reader, now, paceOf(settings)))
    return verdictOf(stats, verdictSettings(settings), now.ms)
  } catch (error) {
    if (error instanceof QueueError) return unusableQueue(error.code)
    throw error
  }
}
