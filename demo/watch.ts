// After the samples: explains how to send mail and where the files are, then shows the outcome of each new mail.
// Runs until the signal is aborted, then rejects.

import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Call } from '../src/ses-emulator/call'
import { packageFolder } from '../test/live/support/package-folder'
import { HarakaLog, type LogLine } from './haraka-log'
import { DELIVERED } from './plugins'
import type { Stage } from './stage'
import { type StatusPage, whereText } from './status-page'
import type { Style, Terminal } from './terminal'
import { TryOut } from './try-out'

const LOOK_MS = 100
/** Haraka's master and worker read the same files and log the same lines: a repeated one isn't shown within this time. */
const ECHO_MS = 5000

/** `page`. Undefined: it can't be opened. */
export async function watch(stage: Stage, page: StatusPage | undefined): Promise<void> {
  const { dir, ses, terminal, stop } = stage
  const tryOut = new TryOut(dir, ses)
  for (const line of directions(stage, page, tryOut.file)) terminal.line(line)
  const log = new HarakaLog(dir)
  log.news()
  const isEcho = echoes()
  let shown = ses.calls.length
  for (;;) {
    await pause(LOOK_MS, undefined, { signal: stop })
    tryOut.look()
    for (const line of log.news()) {
      const text = newsText(line, terminal)
      const isNew = text !== undefined && (line.values['ses_id'] !== undefined || !isEcho(text))
      if (isNew) tell(text, terminal)
      if (line.values['ses_id'] !== undefined) tryOut.taken(line.values['ses_id'])
    }
    for (const call of ses.calls.slice(shown)) tell(callText(call, terminal), terminal)
    shown = ses.calls.length
  }
}

function directions({ dir, port, terminal }: Stage, page: StatusPage | undefined, file: string): string[] {
  const { paint } = terminal
  const dist = path.join(path.relative(process.cwd(), packageFolder()), 'dist')
  const places: [string, string, string][] = [
    ['Rules', 'config/ses-bounce-rules.ini', 'a change is active some seconds after you save it'],
    ['Settings', 'config/ses-bounce.ini', 'the same'],
    ['Queue', 'ses-bounce/queue.sqlite', ''],
    ['Quarantine', 'ses-bounce/quarantine/', ''],
    ['Delivered', `${DELIVERED}/`, ''],
    ['Samples', 'mail/', 'send them again: no mail is bounced twice'],
    ['Log', 'haraka.log', ''],
  ]
  return [
    '',
    paint('bold', `Haraka stays up on 127.0.0.1:${port}. Send it mail, either way:`),
    '',
    `  node ${path.join(dist, 'demo/send.js')} ${file}`,
    `  curl smtp://127.0.0.1:${port} --mail-from you@origin.example --mail-rcpt nobody@example.com -T ${file}`,
    '',
    'Edit try.eml as you like: each time it is accepted it gets a new SES id. Its recipient is in To, and in',
    'Received after "for".',
    '',
    paint(
      'bold',
      'Try the command ses-bounce on it, also with check, explain FILE, queue stats or quarantine list:',
    ),
    '',
    `  node ${path.join(dist, 'src/cli/main.js')} --dir ${dir} queue list`,
    '',
    ...(page === undefined ? [] : [`${paint('bold', 'Status page:')} ${whereText(page, terminal)}`, '']),
    paint('bold', `In ${dir}`),
    '',
    ...places.map(
      ([what, where, more]) => `  ${what.padEnd(12)}${where.padEnd(30)}${more && paint('dim', more)}`,
    ),
    '',
    `${paint('bold', 'Ctrl-C ends')} all of it and removes the directory. What happens from here on:`,
    '',
  ].map(line => line.trimEnd())
}

function tell(text: string, { line, paint }: Terminal): void {
  line(`${paint('dim', new Date().toISOString().slice(11, 19))}  ${text}`)
}

/** Undefined: the line isn't of interest. */
function newsText({ level, text, values }: LogLine, { paint }: Terminal): string | undefined {
  if (values['action'] !== undefined && values['recipient'] !== undefined) return decisionText(values)
  // outcomes of calls are shown from the emulator's record
  if (text.startsWith('dispatcher: job=')) return undefined
  const styles: Record<string, Style> = { error: 'red', warn: 'yellow', notice: 'green' }
  const style = styles[level]
  return style && paint(style, text)
}

function decisionText(values: LogLine['values']): string {
  const { recipient, action, rule = 'no rule', detail, mode } = values
  const why = `${rule}${detail === undefined ? '' : `: ${detail}`}${values['bounce'] === 'known' ? ', known already' : ''}`
  return `${recipient}: ${mode === 'observe' ? 'would ' : ''}${action} (${why})`
}

function callText({ input, outcome }: Call, { paint }: Terminal): string {
  const recipients = (input?.BouncedRecipientInfoList ?? []).map(({ Recipient }) => Recipient ?? '')
  const told = outcome.carriedOut
    ? paint('green', 'bounce sent')
    : paint('yellow', `refused: ${outcome.code ?? outcome.status} ${outcome.message ?? ''}`.trim())
  return `${recipients.join(', ')}: SES: ${told}`
}

/** Whether the same text, but for times in it, was shown a moment ago. */
function echoes(): (text: string) => boolean {
  const saidMs = new Map<string, number>()
  return text => {
    const key = text.replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '')
    const before = saidMs.get(key)
    saidMs.set(key, performance.now())
    return before !== undefined && performance.now() - before < ECHO_MS
  }
}
