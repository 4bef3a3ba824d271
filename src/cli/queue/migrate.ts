// `queue migrate`: brings the queue's tables and functions to the version of this program.

import { jsonText } from '../../json'
import { prepareQueue } from '../../queue/open'
import { type QueueTarget, targetText } from '../../queue/target'
import type { Out } from '../out'

/** @throws QueueError */
export async function migrateQueue(target: QueueTarget, out: Out, json: boolean): Promise<number> {
  if (target.store === 'sqlite') {
    const why = 'the queue is a file, which Haraka brings to its version when it starts'
    out.line(json ? jsonText({ migrated: false, why }) : `Nothing to do: ${why}.`)
    return 0
  }
  await prepareQueue({
    ...target,
    migrates: 'boot',
    get password() {
      return target.password
    },
  })
  const { schema } = target
  const at = targetText(target)
  out.line(
    json
      ? jsonText({ migrated: true, database: at, schema })
      : `${at}: the schema ${schema} is what this version needs.`,
  )
  return 0
}
