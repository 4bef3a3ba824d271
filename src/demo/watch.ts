// After the samples: says how to send mail and where everything is, then shows what becomes of mail as it comes.
// Runs until the signal is aborted.

import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { DELIVERED, packageFolder } from './directory'
import { HarakaLog, type LogLine } from './haraka-log'
import type { Stage } from './run'
import type { Terminal } from './terminal'
import { TryOut } from './try-out'

const LOOK_MS = 100

export async function watch(stage: Stage): Promise<void> {
  const { dir, ses, terminal, stop } = stage
  const tryOut = new TryOut(dir, ses)
  for (const line of directions(stage, tryOut.file)) terminal.line(line)
  const log = new HarakaLog(path.join(dir, 'haraka.log'))
  log.news()
  for (;;) {
    await pause(LOOK_MS, undefined, { signal: stop })
    tryOut.look()
    for (const line of log.news()) {
      const text = newsLine(line, terminal)
      if (text !== undefined) terminal.line(text)
      if (line.values['ses_id'] !== undefined) tryOut.taken(line.values['ses_id'])
    }
  }
}

function directions({ dir, port, terminal: { paint } }: Stage, file: string): string[] {
  const send = path.join(path.relative(process.cwd(), packageFolder()), 'dist/src/demo/send.js')
  const places: [string, string, string][] = [
    ['Rules', 'config/ses-bounce-rules.ini', 'save a change: it is in force some seconds later'],
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
    `  node ${send} ${file}`,
    `  curl smtp://127.0.0.1:${port} --mail-from you@origin.example --mail-rcpt nobody@example.com -T ${file}`,
    '',
    `Edit try.eml as you like: To and Received ... for name its recipient, and it has a new SES id each time.`,
    '',
    paint('bold', `In ${dir}:`),
    '',
    ...places.map(([what, where, more]) =>
      `  ${what.padEnd(12)}${where.padEnd(30)}${paint('dim', more)}`.trimEnd(),
    ),
    '',
    `${paint('bold', 'Ctrl-C ends')} all of it and removes the directory. What happens from here on:`,
    '',
  ]
}

/** Undefined: nothing that people need to see. */
function newsLine({ level, text, values }: LogLine, { paint }: Terminal): string | undefined {
  const time = paint('dim', new Date().toISOString().slice(11, 19))
  if (values['action'] !== undefined && values['recipient'] !== undefined) {
    return `${time}  ${decisionText(values)}`
  }
  if (text.startsWith('dispatcher: job=')) {
    const [, said = text] = /^dispatcher: .*?recipients=\d+ (.*)$/.exec(text) ?? []
    return `${time}  SES: ${said}`
  }
  if (level === 'error' || level === 'warn') return `${time}  ${paint('yellow', text)}`
  return level === 'notice' ? `${time}  ${text}` : undefined
}

function decisionText(values: LogLine['values']): string {
  const { recipient, action, rule = 'no rule', detail, mode } = values
  const why = detail === undefined ? rule : `${rule}, but ${detail}`
  return `${recipient}: ${mode === 'observe' ? 'would ' : ''}${action} (${why})`
}
