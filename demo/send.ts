// `node dist/demo/send.js FILE`: sends a mail of the demo's directory to its Haraka, as the relay would.
// Exit codes: 0 accepted, 1 refused or no Haraka, 2 wrong usage.

import { readFileSync } from 'node:fs'
import path from 'node:path'
import { replyText, sendMail } from '../test/live/support/smtp'
import { HELO } from './run'
import { readMail } from './try-out'

async function send(file: string): Promise<number> {
  const data = readFileSync(file, 'latin1').replace(/\r?\n/g, '\r\n')
  const { sender, recipient } = readMail(data)
  const { reply } = await sendMail({
    port: portFor(file),
    helo: HELO,
    from: sender,
    to: [recipient],
    data: Buffer.from(data, 'latin1'),
  })
  process.stdout.write(`${replyText(reply)}\n`)
  return reply.code < 400 ? 0 : 1
}

/** Haraka's config folder is next to the file, or one folder up. */
function portFor(file: string): number {
  const folder = path.dirname(path.resolve(file))
  for (const dir of [folder, path.dirname(folder)]) {
    try {
      const text = readFileSync(path.join(dir, 'config/smtp.ini'), 'utf8')
      return Number(/^listen=.*:(\d+)$/m.exec(text)?.[1])
    } catch {
      // not here
    }
  }
  throw new Error(`there is no config/smtp.ini next to ${file}`)
}

const [, , file] = process.argv
if (file === undefined) {
  process.stderr.write('Usage: node dist/demo/send.js FILE\n')
  process.exitCode = 2
} else {
  send(file).then(
    code => {
      process.exitCode = code
    },
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
      process.exitCode = 1
    },
  )
}
