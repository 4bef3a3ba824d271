// `ses-bounce test`: runs the policy's test cases by the plugin's own code, without a Haraka and without a queue.
// Only reads. If the cases have mistakes, these are shown with file and line, and no case runs.

import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Command } from 'commander'
import { type Diagnostic, didYouMean, formatDiagnostic } from '../config/diagnostics'
import { parseIni } from '../config/ini'
import { createSources, signatureOfFault } from '../config/sources'
import type { Result } from '../errors'
import type { EpochMs } from '../units'
import { openWorkerThreads, type WorkerThreads } from '../worker-thread/worker-threads'
import type { TestCase } from './cases/case'
import { caseJson, caseLines, isAsExpected } from './cases/case-report'
import { keyTable } from './cases/keys'
import { readCases } from './cases/read-cases'
import { type CaseResult, runCase } from './cases/run-case'
import { configOf, mustBeThere } from './check'
import { jsonReport } from './check-report'
import {
  type CommonOptions,
  type Describe,
  each,
  harakaDir,
  runCommand,
  type Shell,
  UsageError,
} from './command-line'
import { type ConfigContext, readConfigContext } from './explain/config-context'
import { LARGEST_BYTES, TOO_LARGE } from './explain/mail-files'
import { FROM_LINE, startsWith } from './explain/mbox'
import { count } from './explain/words'
import { escapeControls, type Out } from './out'

export const CASES_FILE = 'ses-bounce-tests.ini'

interface Options extends CommonOptions {
  file: string
  only?: string[]
}

export const describeTest = (command: Command, { out, env, exit }: Shell, io = standardIo()): void => {
  command
    .description("Runs the policy's own test cases, and shows the differences from the expected results.")
    .option('--file <NAME>', 'the file of cases, its path from config/', fileName, CASES_FILE)
    .option('--only <NAME>', 'runs that case alone; may be given again', each(String))
    .addHelpText(
      'after',
      `
A section of the file is a case. Its keys have the names of the conditions that look at what they set:

  [programs come back]
  sender = someone@partner.example
  recipient = anna@example.com
  attachment.name = setup.exe
  expect.rule = programs
  expect.action = bounce

${keyTable().join('\n')}

Values are taken as they stand, up to " ;"; where several can be, commas part them. With several recipients a case
expects one rule, action and reason for all of them, or one for each, in their order. The queue is not asked, as in
\`ses-bounce explain\`. With --json one JSON object: cases, sum.
Ends with 0 when all is as expected, 1 when something isn't or a file has errors, 2 when there is nothing to run.`,
    )
    .action(exit(one => runTests(one.optsWithGlobals(), out, env, io)))
}

export interface TestIo {
  /** The time of delivery, unless the case has one. */
  nowMs: EpochMs
  openWorkerThreads: () => WorkerThreads
}

function standardIo(): TestIo {
  return { nowMs: Date.now(), openWorkerThreads }
}

/** Resolves with the exit code. */
export function test(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  io?: TestIo,
): Promise<number> {
  const describe: Describe = (command, shell) => describeTest(command, shell, io)
  return runCommand('test', describe, args, { out, env })
}

async function runTests(options: Options, out: Out, env: NodeJS.ProcessEnv, io: TestIo): Promise<number> {
  const prepared = prepare(options, env, io.nowMs)
  if ('fault' in prepared) {
    for (const line of prepared.fault) out.line(escapeControls(line))
    return 1
  }
  const { cases, file, json, ground } = prepared.value
  const results = await runAll(cases, ground, io)
  for (const line of json ? [caseJson(results)] : caseLines(file, results)) out.line(escapeControls(line))
  return results.every(isAsExpected) ? 0 : 1
}

async function runAll(cases: readonly TestCase[], ground: ConfigContext, io: TestIo): Promise<CaseResult[]> {
  const workerThreads = io.openWorkerThreads()
  try {
    const results: CaseResult[] = []
    for (const one of cases) results.push(await runCase(one, { workerThreads, nowMs: io.nowMs }, ground))
    return results
  } finally {
    workerThreads.close()
  }
}

interface Prepared {
  cases: TestCase[]
  ground: ConfigContext
  file: string
  json: boolean
}

/** A fault: lines with the errors of the files. @throws UsageError: there is nothing to run */
function prepare(
  { file, only = [], json = false, ...common }: Options,
  env: NodeJS.ProcessEnv,
  nowMs: EpochMs,
): Result<Prepared, string[]> {
  const dir = harakaDir(common, env)
  mustBeThere(dir)
  const config = configOf(dir)
  const text = textOf(path.resolve(config, file))
  if ('fault' in text) throw new UsageError(`${file}: ${text.fault}; --help shows how a case is written`)
  const read = readConfigContext(dir, env, json)
  if ('fault' in read) return read
  const ground = read.value
  const { cases, diagnostics } = readCases(parseIni(file, text.value), {
    policy: ground.activeConfig.policy,
    mailFile: name => mailFile(path.resolve(config, name)),
    nowMs,
  })
  if (diagnostics.length > 0) return { fault: json ? [jsonReport(diagnostics)] : errorLines(diagnostics) }
  const names = cases.map(({ name }) => name)
  const unknown = only.find(name => !names.includes(name))
  if (unknown !== undefined)
    throw new UsageError(`there is no case "${unknown}" in ${file}${didYouMean(unknown, names)}`)
  if (cases.length === 0) throw new UsageError(`there is no case in ${file}; --help shows how one is written`)
  const wanted = only.length === 0 ? cases : cases.filter(({ name }) => only.includes(name))
  return { value: { cases: wanted, ground, file, json } }
}

function errorLines(diagnostics: readonly Diagnostic[]): string[] {
  return [...diagnostics.map(formatDiagnostic), count(diagnostics.length, 'error')]
}

function textOf(file: string): Result<string> {
  const sources = createSources(path.dirname(file))
  const text = sources.read(path.basename(file))
  if (text !== undefined) return { value: text }
  return { fault: sources.faults[0]?.message ?? 'there is no such file in config/' }
}

/** A text: why there is none. */
function mailFile(file: string): Buffer | string {
  try {
    const stats = statSync(file)
    if (!stats.isFile()) return `can't be read: ${file} is not a file`
    if (stats.size > LARGEST_BYTES) return `can't be used: ${file} ${TOO_LARGE}`
    const raw = readFileSync(file)
    if (raw.length === 0) return `can't be used: ${file} is empty`
    return startsWith(raw, FROM_LINE) ? `can't be used: ${file} is an mbox, and a case has one mail` : raw
  } catch (error) {
    const code = signatureOfFault(error)
    return code === 'ENOENT' ? `can't be read: there is no file ${file}` : `can't be read: ${file} (${code})`
  }
}

function fileName(text: string): string {
  if (text === '') throw new UsageError('--file needs the name of a file')
  return text
}
