// docs/benchmarks.md: what was measured, as tables of ratios, and how.
// Pure.

import type { Plan, Ratio } from './measure'
import type { Measured, Suite } from './suite'

/** What the figures beside the ratios are true of. */
export interface Machine {
  cores: number
  cpu: string
  memoryBytes: number
  system: string
  /** Versions. */
  node: string
  mailparser: string
}

export interface Section {
  suite: Suite
  rows: readonly Measured[]
}

export function page(sections: readonly Section[], plan: Plan, machine: Machine): string {
  return `${[head(plan, machine), ...sections.map(sectionText)].join('\n\n')}\n`
}

/** One row, for a terminal. */
export function rowLine({ unit }: Suite, { name, ratio, ...micros }: Measured): string {
  return `${name}: ${figure(ratio.median)} (${spreadText(ratio)}; ${orientation(unit, micros)})`
}

function head({ inputs, warmUpTimes, warmUpMicros, rounds, batchMicros }: Plan, machine: Machine): string {
  return `# Benchmarks

\`npm run bench\` measures all of this in one run and writes this page. The figures to go by are ratios: each compares two
things that were measured in turns, so the speed of the machine isn't in it. The last column is for orientation only. It
is true of the machine of that run: ${machineText(machine)}.

What runs is what is published, the compiled code. Its cost is the CPU time of the whole process, with all its threads.
In each of ${rounds} rounds everything that is compared has its turn, for some ${batchMicros / 1000} ms, there and back again. A ratio is the
median of the rounds; the spread goes from the least to the greatest. Before the first round each is done ${warmUpTimes} times, or
for ${warmUpMicros / 1_000_000} s, so that starting up doesn't count. There are up to ${inputs} mails of a kind, none like another, and what was made
of one for a decision is made anew when it comes again.`
}

function machineText({ cores, cpu, memoryBytes, system, node, mailparser }: Machine): string {
  const size = `${cores} cores (${cpu}), ${Math.round(memoryBytes / 1024 ** 3)} GB`
  return `${size}, ${system}, Node.js ${node}, mailparser ${mailparser}`
}

function sectionText({ suite, rows }: Section): string {
  const { title, about, ratio, unit } = suite
  const lines = rows.map(({ name, ratio, ...micros }) =>
    tableLine([name, figure(ratio.median), spreadText(ratio), orientation(unit, micros)]),
  )
  const table = [tableLine(['', ratio, 'spread', 'for orientation']), '|---|---|---|---|', ...lines]
  return [`## ${title}`, about, table.join('\n')].join('\n\n')
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`.replace('|  |', '| |')
}

function spreadText({ least, most }: Ratio): string {
  return `${figure(least)} to ${figure(most)}`
}

function orientation(
  unit: Suite['unit'],
  { ofMicros, againstMicros }: Omit<Measured, 'name' | 'ratio'>,
): string {
  return unit === 'rate'
    ? `${figure(1e6 / againstMicros)} a second of CPU against ${figure(1e6 / ofMicros)}`
    : `${figure(ofMicros)} µs against ${figure(againstMicros)} µs`
}

/** More digits would say more than was measured. */
function figure(value: number): string {
  return value.toLocaleString('en', { minimumSignificantDigits: 2, maximumSignificantDigits: 2 })
}
