// The report of a chaos test that failed: the broken promises, its plan, and the outcome of each attack.

import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { Struck } from './chaos-attacks'
import type { Plan } from './chaos-plan'
import type { Evidence } from './chaos-verdict'

/** Minutes of a chaos test are not thrown away. */
export function keep(evidence: Evidence, seed: number): string {
  const file = path.join(mkdtempSync(path.join(tmpdir(), 'chaos-')), `${seed}.json`)
  writeFileSync(file, JSON.stringify(evidence))
  return `all that was seen is in ${file}`
}

export interface Happened {
  plan: Plan
  struck: readonly Struck[]
  failedBoots: readonly string[]
  calls: number
}

export function report(error: unknown, seed: number, { plan, struck, failedBoots, calls }: Happened): string {
  const attacks = plan.attacks.map(attack => {
    const done = struck.find(one => one.attack === attack)
    return `${JSON.stringify(attack)} ${done === undefined ? 'not over' : done.hit ? 'hit' : 'missed'}`
  })
  const faults = plan.faults
    .slice(0, calls)
    .flatMap((name, index) => (name === undefined ? [] : [`${index + 1}: ${name}`]))
  return [
    error instanceof Error ? error.message : String(error),
    `the plan of SEED=${seed}:`,
    ...attacks,
    `faults by call: ${faults.join(', ')}`,
    ...failedBoots.map(why => `a boot that failed: ${why}`),
  ].join('\n')
}
