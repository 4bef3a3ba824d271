// `ses-bounce explain`: what would become of a mail, and why; by the plugin's own code, and without changing anything.
// Mail that can't be explained ends it with 1 and a clear word; the mails behind it are explained all the same.

import { openWorkerThreads, type WorkerThreads } from '../worker-thread/worker-threads'
import { missing } from './check'
import { type ConfigContext, readConfigContext } from './explain/config-context'
import { openMails } from './explain/mail-files'
import { readOptions } from './explain/options'
import { type Progress, silent, terminalProgress } from './explain/progress'
import { explainDifferences, explainMany, explainOne } from './explain/runs'
import { escapeControls, type Out } from './out'

export const EXPLAIN_USAGE = `ses-bounce explain FILE|-: what would become of a mail, and why

FILE is a mail as the relay hands it over; a folder or an mbox: a line for each recipient of each mail, and a sum.

  --dir DIR        the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --from ADDRESS   MAIL FROM of the relay (default: SES's Return-Path); <> is the null sender
  --to ADDRESS     RCPT TO of the relay, as often as needed (default: whom SES's Received names, else who stands
                   in the header at a domain that SES receives for)
  --at TIME        when it comes: 2025-02-20T12:38:04Z, or so long after its receipt: 25h (default: 1m after it)
  --relay IP       who hands it over (default: the first of [relay] trusted)
  --result PLUGIN.PATH=VALUE
                   what another Haraka plugin found, as often as needed: rspamd.score=7.5
  --against DIR    shows only what the configuration there decides differently; it needs a whole config/, with
                   host_list and me. A rule's name alone is no difference
  --json           one JSON object for a mail; of many, one a line (without \`rules\`), and the sum in the last
  --help

The queue is not asked: whether the mail was taken before, and whether it has room, is not looked at.
Ends with 0; with 1 when the configuration has errors, a mail can't be explained, or something is decided
differently; with 2 when nothing could be explained (wrong options, no such file).`

export interface ExplainIo {
  stdin: AsyncIterable<Uint8Array>
  progress: Progress
  /** For mail without a time of receipt. */
  nowMs: number
  openWorkerThreads: () => WorkerThreads
}

/** Resolves with the exit code. */
export async function explain(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  io: ExplainIo = standardIo(),
): Promise<number> {
  const options = readOptions(args, env)
  if ('help' in options) {
    out.line(EXPLAIN_USAGE)
    return 0
  }
  const safe = escaping(out, io.progress)
  if ('fault' in options) return refuse(options.fault, safe)
  const { dir, against, json } = options
  const dirs = against === undefined ? [dir] : [dir, against]
  const absent = missing(dir) ?? (against === undefined ? undefined : missing(against, '--against'))
  if (absent !== undefined) return refuse(absent, safe)
  const read = dirs.map(one => readConfigContext(one, env, json))
  const errors = read.flatMap(one => ('errors' in one ? one.errors : []))
  const [here, there] = read.filter((one): one is ConfigContext => !('errors' in one))
  if (here === undefined || errors.length > 0) {
    for (const line of errors) safe.line(line)
    return 1
  }
  const files = await openMails(options.input, io.stdin)
  if ('fault' in files) return refuse(files.fault, safe)
  const workerThreads = io.openWorkerThreads()
  const asked = { given: options.given, results: options.results, workerThreads, nowMs: io.nowMs }
  const run = { files, asked, here, json, out: safe, progress: io.progress }
  try {
    if (there !== undefined) return await explainDifferences(run, there)
    return files.areMany ? await explainMany(run) : await explainOne(run)
  } finally {
    workerThreads.close()
  }
}

function refuse(fault: string, out: Out): number {
  out.error(`ses-bounce explain: ${fault}`)
  return 2
}

/** Whatever mails and configurations hold, nothing reaches a terminal but text. */
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
