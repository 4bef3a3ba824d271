// Writes docs/benchmarks.md: the results as tables of ratios and of figures with goals, and the method. Pure.

import type { Plan, Ratio } from './measure'
import type { Measured, Suite } from './suite'
import { type Goal, isReached, type Trial, type Tried } from './trial'

/** The machine that absolute figures are measured on. */
export interface Machine {
  cores: number
  cpu: string
  memoryBytes: number
  system: string
  /** Versions. */
  node: string
  mailparser: string
}

export type Section = { suite: Suite; rows: readonly Measured[] } | { trial: Trial; rows: readonly Tried[] }

export function page(sections: readonly Section[], plan: Plan, machine: Machine): string {
  return `${[head(plan, machine), ...sections.map(sectionText)].join('\n\n')}\n`
}

/** One row, for a terminal. */
export function triedLine({ aim, ...found }: Tried): string {
  const [figure, goal, spread, beside] = triedCells({ aim, ...found })
  const others = [goal, spread, beside].filter(text => text !== '')
  return `${aim.name}: ${figure} (${others.join('; ')})`
}

/** One row of a suite, for a terminal. */
export function rowLine({ unit }: Suite, { name, ratio, ...micros }: Measured): string {
  return `${name}: ${figure(ratio.median)} (${spreadText(ratio)}; ${orientation(unit, micros)})`
}

function head({ inputs, warmUpTimes, warmUpMicros, rounds, batchMicros }: Plan, machine: Machine): string {
  return `# Benchmarks

\`npm run bench\` measures all of this and writes this page. Each section is of one run. The figures to go by are ratios: each
compares two things that were measured in turns, so the speed of the machine isn't in it. The last column is for
orientation only. It is true of this machine: ${machineText(machine)}.

What runs is what is published, the compiled code. Its cost is the CPU time of the whole process, with all its threads.
In each of ${rounds} rounds everything that is compared has its turn, for some ${batchMicros / 1000} ms, there and back again. A ratio is the
median of the rounds; the spread goes from the least to the greatest. Before the first round each is done ${warmUpTimes} times, or
for ${warmUpMicros / 1_000_000} s, so that starting up doesn't count. There are up to ${inputs} mails of a kind, none like another, and what was made
of one for a decision is made anew when it comes again.

Where a table has goals, whole processes were tried instead, as they run in production, with the queue's file on a disk
and an SES emulator on loopback; how is said above each of them. A goal that this run has not reached says so.`
}

function machineText({ cores, cpu, memoryBytes, system, node, mailparser }: Machine): string {
  const size = `${cores} cores (${cpu}), ${Math.round(memoryBytes / 1024 ** 3)} GB`
  return `${size}, ${system}, Node.js ${node}, mailparser ${mailparser}`
}

function sectionText(section: Section): string {
  return 'trial' in section ? trialText(section.trial, section.rows) : suiteText(section.suite, section.rows)
}

function trialText({ title, about }: Trial, rows: readonly Tried[]): string {
  const lines = rows.map(row => tableLine([row.aim.name, ...triedCells(row)]))
  const table = [
    tableLine(['', 'figure', 'goal', 'spread', 'for orientation']),
    '|---|---|---|---|---|',
    ...lines,
  ]
  return [`## ${title}`, about, table.join('\n')].join('\n\n')
}

function triedCells({
  aim: { goal, unit },
  figure,
  spread,
  beside,
}: Tried): [string, string, string, string] {
  const shown = (value: number, digits = 3) =>
    [precise(value, digits), ...(unit === undefined ? [] : [unit])].join(' ')
  const isMissed = goal !== undefined && !isReached(goal, figure)
  return [
    // a figure that narrowly missed its goal must not look like the goal
    shown(figure, isMissed ? 4 : 3),
    goal === undefined ? '' : `${isMissed ? 'not reached: ' : ''}${goalText(goal, shown)}`,
    spread === undefined ? '' : `${precise(spread.least)} to ${precise(spread.most)}`,
    beside,
  ]
}

function goalText(goal: Goal, shown: (value: number) => string): string {
  if ('atMost' in goal) return `at most ${shown(goal.atMost)}`
  return 'below' in goal ? `below ${shown(goal.below)}` : `at least ${shown(goal.atLeast)}`
}

function suiteText(suite: Suite, rows: readonly Measured[]): string {
  const { title, about, ratio, unit } = suite
  const lines = rows.map(({ name, ratio, ...micros }) =>
    tableLine([name, figure(ratio.median), spreadText(ratio), orientation(unit, micros)]),
  )
  const table = [tableLine(['', ratio, 'spread', 'for orientation']), '|---|---|---|---|', ...lines]
  return [`## ${title}`, about, table.join('\n')].join('\n\n')
}

function tableLine(cells: readonly string[]): string {
  return `|${cells.map(cell => (cell === '' ? ' |' : ` ${cell} |`)).join('')}`
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

/** No more digits than the measurement supports. */
function figure(value: number): string {
  return value.toLocaleString('en', { minimumSignificantDigits: 2, maximumSignificantDigits: 2 })
}

/** With three digits, as two could hide on which side of a goal the figure is. */
function precise(value: number, digits = 3): string {
  const most = value >= 1000 ? { maximumFractionDigits: 1 } : { maximumSignificantDigits: digits }
  return value.toLocaleString('en', most)
}
