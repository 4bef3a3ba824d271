// The three ways to explain: one mail at length, many with a line for each recipient, and two configurations compared.
// A mail that can't be explained has a line with the reason. Each run resolves with the exit code.

import type { Result } from '../../errors'
import { jsonText } from '../../json'
import type { Out } from '../out'
import { resultWarnings } from './asked-results'
import type { Fault } from './assumed'
import { relayOf } from './assumed'
import { compare, comparisonLines } from './compare'
import type { ConfigContext } from './config-context'
import { type Asked, explainBriefly, explainTwice, explainWhole } from './explain-mail'
import { lineOf, Summer, sumLines } from './list'
import type { MailFile, MailFiles } from './mail-files'
import { untouchedBecause } from './make-explanation'
import type { Progress } from './progress'
import { report } from './report'
import { count } from './words'

export interface Run {
  files: MailFiles
  asked: Asked
  here: ConfigContext
  json: boolean
  out: Out
  progress: Progress
}

export async function explainOne({ files, asked, here, json, out }: Run): Promise<number> {
  for await (const file of files.mails) {
    const explained = await ifReadable(file, raw => explainWhole(raw, asked, here))
    if ('fault' in explained) {
      if (json) out.line(jsonText({ fault: faultText(explained.fault) }))
      else out.error(`ses-bounce explain: ${file.name}: ${faultText(explained.fault)}`)
      return explained.fault.isUnaddressed ? 2 : 1
    }
    const own = resultWarnings(here.activeConfig.policy, asked.results)
    const whole = { ...explained.value, warnings: [...explained.value.warnings, ...own] }
    for (const line of json ? [jsonText(whole)] : report(file.name, whole)) out.line(line)
  }
  return 0
}

export async function explainMany(run: Run): Promise<number> {
  const { asked, here, json, out } = run
  const summer = new Summer()
  const known = resultWarnings(here.activeConfig.policy, asked.results)
  const untouched = untouchedBecause(here.activeConfig, relayOf(asked.given, here.activeConfig))
  const passing = untouched === undefined ? [] : [`all mail would pass untouched: ${untouched}`]
  if (!json) for (const text of [...passing, ...known]) out.line(`warning: ${text}`)
  await forEach(run, async file => {
    const explained = await ifReadable(file, raw => explainBriefly(raw, asked, here))
    if ('fault' in explained) {
      summer.addFault()
      sayFault(run, file, explained.fault)
      return
    }
    const { warnings, ...rest } = explained.value
    summer.add(rest.decisions)
    if (json) out.line(jsonText({ mail: file.name, ...rest, warnings: [...warnings, ...known] }))
    else for (const decision of rest.decisions) out.line(lineOf(file.name, decision))
  })
  const sum = summer.sum()
  for (const line of json ? [jsonText({ sum })] : sumLines(sum)) out.line(line)
  return sum.faults > 0 ? 1 : 0
}

export async function explainDifferences(run: Run, there: ConfigContext): Promise<number> {
  const { asked, here, json, out } = run
  const sum = { mails: 0, differing: 0, faults: 0 }
  await forEach(run, async file => {
    sum.mails++
    const explained = await ifReadable(file, raw => explainTwice(raw, asked, here, there))
    if ('fault' in explained) {
      sum.faults++
      sayFault(run, file, explained.fault)
      return
    }
    const comparison = compare(explained.value.here, explained.value.there)
    if (comparison === undefined) return
    sum.differing++
    if (json) out.line(jsonText({ mail: file.name, ...explained.value }))
    else for (const line of comparisonLines(file.name, comparison)) out.line(line)
  })
  const faults = sum.faults > 0 ? `, ${sum.faults.toLocaleString('en-US')} could not be explained` : ''
  out.line(
    json
      ? jsonText({ sum })
      : `${count(sum.mails, 'mail')}, ${sum.differing.toLocaleString('en-US')} decided differently${faults}`,
  )
  return sum.differing + sum.faults > 0 ? 1 : 0
}

async function ifReadable<T extends object>(
  file: MailFile,
  explainRaw: (raw: Buffer) => Promise<Result<T, Fault>>,
): Promise<Result<T, Fault>> {
  return 'fault' in file ? { fault: { why: file.fault } } : explainRaw(file.raw)
}

function sayFault({ json, out }: Run, { name }: MailFile, fault: Fault): void {
  const text = faultText(fault)
  out.line(json ? jsonText({ mail: name, fault: text }) : `${name}: not explained: ${text}`)
}

function faultText({ why, isUnaddressed }: Fault): string {
  return isUnaddressed ? `${why}; --to names them` : why
}

async function forEach(
  { files, progress }: Run,
  explainFile: (file: MailFile) => Promise<void>,
): Promise<void> {
  let mails = 0
  for await (const file of files.mails) {
    progress.at(++mails)
    await explainFile(file)
  }
  progress.clear()
}
