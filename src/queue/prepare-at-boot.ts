// Prepares the queue of a database at Haraka's boot, before any mail is answered: a hook of Haraka's can't make it wait, so
// another process does the work, and this one waits for it.

import { spawnSync } from 'node:child_process'
import { ERRORS, errorMessage, QueueError, type QueueErrorCode } from '../errors'
import { prepareQueue } from './open'
import { type QueuePlace, targetAt } from './target'

/** Haraka goes on without a plugin that takes longer at boot (its plugin_timeout, 30 s). */
const LONGEST_MS = 20_000

interface Question {
  place: QueuePlace
  password?: string | undefined
}

interface Fault {
  code?: string
  message: string
}

/** @throws QueueError as `prepareQueue` rejects with it */
export function prepareAtBoot(place: QueuePlace, password: string | undefined): void {
  const { status, error, stdout } = spawnSync(process.execPath, [__filename], {
    // the password, too, which the command line would show
    input: JSON.stringify({ place, password } satisfies Question),
    stdio: ['pipe', 'pipe', 'inherit'],
    encoding: 'utf8',
    timeout: LONGEST_MS,
  })
  if (status === 0) return
  if (error !== undefined && 'code' in error && error.code === 'ETIMEDOUT')
    throw new QueueError('QUEUE_UNREACHABLE', `the queue wasn't ready within ${LONGEST_MS / 1000} s`)
  if (error) throw error
  throw toError(stdout)
}

/** An error of another process. */
function toError(text: string): Error {
  try {
    const { code = '', message } = JSON.parse(text) as Fault
    // its message leads to the explanation already
    return code in ERRORS
      ? new QueueError(code as QueueErrorCode, message.replace(/; see docs\/\S+$/, ''))
      : new Error(message)
  } catch {
    return new Error('the process that prepares the queue ended early')
  }
}

async function run(): Promise<void> {
  const pieces: Buffer[] = []
  for await (const piece of process.stdin) pieces.push(piece as Buffer)
  try {
    const { place, password } = JSON.parse(Buffer.concat(pieces).toString('utf8')) as Question
    await prepareQueue(targetAt(place, () => password))
  } catch (error) {
    const code = error instanceof QueueError ? { code: error.code } : {}
    process.stdout.write(JSON.stringify({ ...code, message: errorMessage(error) } satisfies Fault))
    process.exitCode = 1
  }
}

if (require.main === module) void run()
