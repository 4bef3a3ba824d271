// `ses-bounce explain`: explains the decision about a mail by the plugin's own code, and changes nothing.
// For a mail that can't be explained it shows the reason, continues with the next, and exits with 1.

import type { Command } from 'commander'
import type { EpochMs } from '../units'
import { openWorkerThreads, type WorkerThreads } from '../worker-thread/worker-threads'
import { mustBeThere } from './check'
import { type Describe, runCommand, type Shell, UsageError } from './command-line'
import { readConfigContext } from './explain/config-context'
import { openMails } from './explain/mail-files'
import { addExplainOptions, type ExplainOptions, readOptions } from './explain/options'
import { type Progress, silent, terminalProgress } from './explain/progress'
import { explainDifferences, explainMany, explainOne } from './explain/runs'
import { escapeControls, type Out } from './out'

export interface ExplainIo {
  stdin: AsyncIterable<Uint8Array>
  progress: Progress
  /** The time for mail without a time of receipt. */
  nowMs: EpochMs
  openWorkerThreads: () => WorkerThreads
}

export const describeExplain = (command: Command, { out, env, exit }: Shell, io = standardIo()): void => {
  addExplainOptions(command)
    .description('Explains the decision about a mail. Nothing is changed.')
    .addHelpText(
      'after',
      `
The queue is not asked: whether the mail was accepted before, and whether the queue has room, is not looked at.
With --json one JSON object for a mail; of many, one a line (without \`rules\`), and the sum in the last.
Ends with 0; with 1 when the configuration has errors, a mail can't be explained, or something is decided
differently; with 2 when nothing could be explained (wrong options, no such file).`,
    )
    .action(exit(one => explainMails(readOptions(one, env), out, env, io)))
}

/** Resolves with the exit code. */
export function explain(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  io?: ExplainIo,
): Promise<number> {
  const describe: Describe = (command, shell) => describeExplain(command, shell, io)
  return runCommand('explain', describe, args, { out, env })
}

async function explainMails(
  { dir, against, json, input, given, results }: ExplainOptions,
  out: Out,
  env: NodeJS.ProcessEnv,
  io: ExplainIo,
): Promise<number> {
  const safe = escaping(out, io.progress)
  const dirs = against === undefined ? [dir] : [dir, against]
  mustBeThere(dir)
  if (against !== undefined) mustBeThere(against, '--against')
  const read = dirs.map(one => readConfigContext(one, env, json))
  const errors = read.flatMap(one => ('fault' in one ? one.fault : []))
  const [here, there] = read.flatMap(one => ('value' in one ? [one.value] : []))
  if (here === undefined || errors.length > 0) {
    for (const line of errors) safe.line(line)
    return 1
  }
  const opened = await openMails(input, io.stdin)
  if ('fault' in opened) throw new UsageError(opened.fault)
  const files = opened.value
  const workerThreads = io.openWorkerThreads()
  const asked = { given, results, workerThreads, nowMs: io.nowMs }
  const run = { files, asked, here, json, out: safe, progress: io.progress }
  try {
    if (there !== undefined) return await explainDifferences(run, there)
    return files.areMany ? await explainMany(run) : await explainOne(run)
  } finally {
    workerThreads.close()
  }
}

/** Escapes control characters, so that mail and configuration can't affect a terminal. */
function escaping(out: Out, progress: Progress): Out {
  const write = (to: (text: string) => void) => (text: string) => {
    progress.clear()
    to(escapeControls(text))
  }
  return { line: write(text => out.line(text)), error: write(text => out.error(text)) }
}

function standardIo(): ExplainIo {
  const { stdin, stderr } = process
  return {
    stdin,
    progress: stderr.isTTY ? terminalProgress(stderr) : silent,
    nowMs: Date.now(),
    openWorkerThreads,
  }
}
