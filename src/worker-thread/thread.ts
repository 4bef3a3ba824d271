// The thread's program: reads content, searches texts, and makes previews for people, one task after the other.
// An exception is sent as the answer. The main thread notices its end.

import { MessageChannel, parentPort } from 'node:worker_threads'
import type { RE2Set } from 're2js'
import { errorMessage } from '../errors'
import { readContent } from '../mail/content'
import { readPreview } from '../mail/preview'
import { UnreadableError } from '../mail/unreadable'
import { regexSet } from '../policy/regex-pass'
import type { Asked, TaskAnswer, Tasks } from './tasks'

/** The most compiled passes in memory: a policy has a few, and those of earlier policies aren't needed. */
const KEPT_SETS = 100
/** Smaller mails may wait for the next collection: dropping one costs as much as reading 10 KB. */
const DROPPED_BYTES = 1024 ** 2
const sets = new Map<string, RE2Set>()

parentPort?.on('message', (task: Asked) => {
  tell(run(task))
  if (task.name !== 'search' && task.asked.raw.length > DROPPED_BYTES) drop(task.asked.raw)
})

function tell(answered: TaskAnswer): void {
  parentPort?.postMessage(answered)
}

function run(task: Asked): TaskAnswer {
  const startMs = performance.now()
  try {
    const answer = answerOf(task)
    return { answer, tookMs: performance.now() - startMs }
  } catch (error) {
    return {
      fault: errorMessage(error),
      isUnreadable: error instanceof UnreadableError,
    }
  }
}

function answerOf({ name, asked }: Asked): Tasks[keyof Tasks]['answer'] {
  switch (name) {
    case 'content':
      return readContent(asked.raw, asked.limitCharacters, asked.opensArchives)
    case 'preview':
      return readPreview(asked.raw, asked)
    case 'search':
      return setOf(asked.sources).match(asked.text)
  }
}

/** An idle thread collects no garbage, so the bytes of a large mail would stay in memory. */
function drop(raw: Uint8Array): void {
  const { port1 } = new MessageChannel()
  port1.postMessage(undefined, [raw.buffer as ArrayBuffer])
  port1.close()
}

function setOf(sources: readonly string[]): RE2Set {
  const key = JSON.stringify(sources)
  const known = sets.get(key)
  if (known !== undefined) return known
  if (sets.size >= KEPT_SETS) sets.clear()
  const made = regexSet(sources)
  sets.set(key, made)
  return made
}
