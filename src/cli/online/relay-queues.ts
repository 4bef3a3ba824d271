// Asks SQS for `check --online` about the queues of [relay.sqs]: whether they lose mail that waits for Haraka. Never
// rejects.

import type { SqsRelay } from '../../config/settings'
import { bounded } from '../../dispatch/client'
import { openQueues } from '../../relay/queues'
import { queueFaults } from '../../relay/run'
import type { OnlineAnswer } from './online'
import { refusedBy } from './refused'

const ACTION = 'sqs:GetQueueAttributes'

/** Nothing where there is no [relay.sqs]. */
export async function askRelayQueues(
  relay: SqsRelay | undefined,
  timeoutMs: number,
): Promise<OnlineAnswer[]> {
  if (relay === undefined) return []
  try {
    const queues = await openQueues(relay)
    try {
      const [queue, dead] = await bounded(
        () => Promise.all([queues.attributes('queue'), queues.attributes('dead letters')]),
        timeoutMs,
      )
      const faults = queueFaults(queue, dead)
      if (faults.length === 0)
        return [{ result: 'fine', message: '[relay.sqs] the queues keep mail long enough', action: ACTION }]
      return faults.map(fault => ({ result: 'error', message: `[relay.sqs] ${fault}`, action: ACTION }))
    } finally {
      queues.close()
    }
  } catch (error) {
    const { kind, reason } = refusedBy(error)
    if (/QueueDoesNotExist|NonExistentQueue/.test(reason))
      return [{ result: 'error', message: `[relay.sqs] SQS knows no such queue (${reason})`, action: ACTION }]
    const why = kind === 'denied' ? `${ACTION} is not permitted (${reason})` : reason
    const message = `[relay.sqs] whether the queues keep mail long enough could not be established: ${why}`
    return [{ result: 'unestablished', message, action: ACTION }]
  }
}
