// `queue move --from FILE`: moves the contents of a queue file into the database of [queue] url. The file stays.

import { jsonText } from '../../json'
import { moveQueueFile, prepareQueue } from '../../queue/open'
import type { QueueTarget } from '../../queue/target'
import type { MonoMs } from '../../units'
import { count } from '../explain/words'
import type { Out } from '../out'

/** Jobs between two lines of progress. */
const SAY_EVERY = 20_000

/** @throws QueueError */
export async function moveFrom(
  file: string,
  target: QueueTarget,
  { out, json, monoMs }: { out: Out; json: boolean; monoMs: () => MonoMs },
): Promise<number> {
  if (target.store === 'postgres' && target.migrates === 'boot') await prepareQueue(target)
  const told = (jobs: number, all: number) => {
    if (!json && jobs % SAY_EVERY === 0) out.line(`${jobs} of ${all} jobs`)
  }
  const { moved, known, others } = await moveQueueFile(file, target, { monoMs, told })
  if (json) {
    out.line(jsonText({ moved, known, others }))
    return others.length === 0 ? 0 : 1
  }
  const here = known === 0 ? '' : `; ${count(known, 'job')} had been moved before`
  out.line(`Moved ${count(moved, 'job')}${here}. The file stays as it is: move it away.`)
  for (const id of others)
    out.line(`${id}: not moved: the database has another job for one of its recipients`)
  return others.length === 0 ? 0 : 1
}
