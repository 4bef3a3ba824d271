// The thread's program: reads content and searches texts, one task after the other.
// What it throws is its answer; what kills it is seen from outside.

import { parentPort } from 'node:worker_threads'
import type { RE2Set } from 're2js'
import { readContent } from '../mail/content'
import { regexSet } from '../policy/regex-pass'
import type { Answered, Asked, Tasks } from './tasks'

/** A policy has a few passes; those of earlier ones needn't be kept. */
const KEPT_SETS = 100
const sets = new Map<string, RE2Set>()

parentPort?.on('message', (task: Asked) => {
  const startMs = performance.now()
  run(task).then(
    answer => tell({ answer, tookMs: performance.now() - startMs }),
    (error: unknown) => tell({ fault: error instanceof Error ? error.message : String(error) }),
  )
})

function tell(answered: Answered): void {
  parentPort?.postMessage(answered)
}

async function run({ name, asked }: Asked): Promise<Tasks[keyof Tasks]['answer']> {
  return name === 'content'
    ? readContent(asked.raw, asked.limitCharacters)
    : setOf(asked.sources).match(asked.text)
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
