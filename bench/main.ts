// `npm run bench`: runs every suite and writes docs/benchmarks.md. With names of suites, it only shows those.
// Exits with 2 for an unknown name. If a suite rejects it exits with 1, and leaves the page unchanged.

import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { decisions } from './decisions'
import { hostile } from './hostile'
import { mails } from './mails'
import { type Meter, type Plan, PROCESS } from './measure'
import { type Machine, page, rowLine, type Section, triedLine } from './page'
import { run, type Suite } from './suite'
import { type Size, type Trial, tryOut } from './trial'
import { engines } from './trials/engines'
import { firstCall } from './trials/first-call'
import { haraka } from './trials/haraka'
import { memory } from './trials/memory'
import { overload } from './trials/overload'
import { pace } from './trials/pace'
import { page as pageBesideSmtp } from './trials/page'
import { queue } from './trials/queue'

/** In the order of the page. */
export const SUITES: readonly (Suite | Trial)[] = [
  decisions,
  mails,
  hostile,
  haraka,
  pageBesideSmtp,
  queue,
  engines,
  memory,
  firstCall,
  pace,
  overload,
]

/** With the trials this takes some thirteen minutes on two idle cores. */
const PLAN: Plan = { inputs: 500, warmUpTimes: 300, warmUpMicros: 4_000_000, rounds: 9, batchMicros: 200_000 }
/** Relative to dist/bench, where this runs. */
const PAGE = path.join(__dirname, '../../docs/benchmarks.md')

export interface How {
  plan: Plan
  meter: Meter
  /** The size of trials. */
  size: Size
}

export async function measureAll(
  suites: readonly (Suite | Trial)[],
  how: How,
  say: (line: string) => void,
): Promise<Section[]> {
  const sections: Section[] = []
  for (const suite of suites) sections.push(await measureOne(suite, how, say))
  return sections
}

async function measureOne(
  suite: Suite | Trial,
  { plan, meter, size }: How,
  say: (line: string) => void,
): Promise<Section> {
  if ('run' in suite) {
    say(suite.title)
    return { trial: suite, rows: await tryOut(suite, size, row => say(`  ${triedLine(row)}`)) }
  }
  say(`${suite.title} (${suite.ratio})`)
  return { suite, rows: await run(suite, plan, meter, row => say(`  ${rowLine(suite, row)}`)) }
}

export function thisMachine(): Machine {
  const cpus = os.cpus()
  return {
    cores: cpus.length,
    cpu: cpus[0]?.model ?? 'unknown',
    memoryBytes: os.totalmem(),
    system: `${os.type()} on ${os.arch()}`,
    node: process.versions.node,
    mailparser: versionOf('mailparser'),
  }
}

function versionOf(name: string): string {
  const text = readFileSync(require.resolve(`${name}/package.json`), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

async function main(names: readonly string[]): Promise<void> {
  const unknown = names.find(name => !SUITES.some(suite => suite.name === name))
  if (unknown !== undefined) {
    console.error(`there is no suite "${unknown}"; there are ${SUITES.map(({ name }) => name).join(', ')}`)
    process.exitCode = 2
    return
  }
  const chosen = names.length === 0 ? SUITES : SUITES.filter(({ name }) => names.includes(name))
  const sections = await measureAll(chosen, { plan: PLAN, meter: PROCESS, size: 'whole' }, line =>
    console.log(line),
  )
  if (names.length > 0) return
  writeFileSync(PAGE, page(sections, PLAN, thisMachine()))
  console.log('docs/benchmarks.md is written')
}

if (require.main === module) void main(process.argv.slice(2))
