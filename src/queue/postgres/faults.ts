// Turns faults of the database and of the way to it into QueueError, with what the administrator reads.

import { errorMessage, QueueError, type QueueErrorCode } from '../../errors'
import { type PostgresTarget, placeOf } from './target'

/** What the product's own functions raise (SQL: classes that begin with S to Z are free for applications). */
export const OWN_STATES = {
  /** The caller's time is far from the database's. */
  clock: 'SB009',
  /** Another dispatcher leads. */
  lockLost: 'SB001',
  /** The schema isn't of the expected version any more. */
  version: 'SB002',
  /** Another process has made the same job id. */
  sameId: 'SB003',
} as const

interface Known {
  /** The beginning of SQLSTATE (PostgreSQL, appendix A). */
  state: string
  code: QueueErrorCode
  text: (message: string, target: PostgresTarget) => string
  /** All connections are dropped, as it concerns them all. */
  drops?: true
}

const KNOWN: readonly Known[] = [
  { state: OWN_STATES.lockLost, code: 'QUEUE_LOCK_LOST', text: message => message },
  { state: OWN_STATES.version, code: 'QUEUE_BUSY', text: message => message },
  { state: '28', code: 'QUEUE_UNREACHABLE', text: (_, { user }) => refusedLogin(user), drops: true },
  { state: '25006', code: 'QUEUE_UNREACHABLE', text: () => STANDBY, drops: true },
  { state: '08', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '57P', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '3D000', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '53300', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '53', code: 'QUEUE_FULL', text: message => `the database is short of room (${message})` },
  { state: '58', code: 'QUEUE_FULL', text: message => `the database's disk is full or failing (${message})` },
  { state: '57014', code: 'QUEUE_BUSY', text: message => message },
  { state: '55P03', code: 'QUEUE_BUSY', text: () => 'another process holds a lock in the queue' },
  { state: '40', code: 'QUEUE_BUSY', text: message => message },
  { state: '42501', code: 'QUEUE_UNWRITABLE', text: (message, { user }) => `${message} (login "${user}")` },
]

export const STANDBY = 'this server is a standby; url must lead to the writer'

export function noAnswer({ timeoutMs }: PostgresTarget): string {
  return `no answer within ${timeoutMs} ms`
}

function refusedLogin(user: string): string {
  return `the database refuses the login of "${user}"`
}

/** The SQLSTATE of an answer of the database. Undefined: it isn't one. */
export function stateOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) && 'severity' in (error as object)
    ? code
    : undefined
}

/** As pg and pg-pool call it: `Query read timeout`, `timeout exceeded when trying to connect`. */
export const TIMED_OUT = 'timeout'

export function isTimeout(error: unknown): boolean {
  return error instanceof Error && stateOf(error) === undefined && /time-?out/i.test(error.message)
}

/** Thrown by a call of a function that raised it. */
export function isFault(error: unknown, state: string): boolean {
  return error instanceof QueueError && stateOf(error.cause) === state
}

export interface Fault {
  error: QueueError
  /** It concerns all connections. */
  drops: boolean
}

export function faultOf(error: unknown, target: PostgresTarget): Fault {
  if (error instanceof QueueError) return { error, drops: error.code === 'QUEUE_UNREACHABLE' }
  if (error instanceof TypeError || error instanceof RangeError)
    return {
      error: new QueueError('QUEUE_OTHER', `${placeOf(target)}: ${errorMessage(error)}`, { cause: error }),
      drops: false,
    }
  const state = stateOf(error)
  const message = oneLine(errorMessage(error))
  if (state === undefined) return { error: unreachable(target, lost(message, target), error), drops: true }
  const known = KNOWN.find(one => state.startsWith(one.state))
  const [code, text] = known
    ? [known.code, known.text(message, target)]
    : (['QUEUE_OTHER', `${message} (${state})`] as const)
  const fault = new QueueError(code, `${placeOf(target)}: ${text}`, { cause: error })
  return { error: fault, drops: known?.drops === true }
}

export function unreachable(target: PostgresTarget, text: string, cause?: unknown): QueueError {
  return new QueueError('QUEUE_UNREACHABLE', `${placeOf(target)}: ${text}`, { cause })
}

/** What pg and Node say of a connection that is gone, in our words where theirs say little. */
function lost(message: string, target: PostgresTarget): string {
  if (/time-?out/i.test(message)) return noAnswer(target)
  if (/password must be a (?:non-empty )?string/i.test(message))
    return `${refusedLogin(target.user)}: it asks for a password, and none is set`
  if (/terminated/i.test(message)) return 'the connection was cut off'
  return message
}

/** A message of the server may hold text of a mail. */
function oneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, LONGEST_MESSAGE)
}

/** More isn't read in a log. */
const LONGEST_MESSAGE = 500
