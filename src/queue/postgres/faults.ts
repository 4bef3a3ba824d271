// Turns faults of the database and of the way to it into QueueError, with a text for the administrator.

import { errorMessage, QueueError, type QueueErrorCode } from '../../errors'
import { type PostgresTarget, placeOf } from './target'

/** The SQLSTATEs that the product's functions raise (SQL: classes that begin with S to Z are free for applications). */
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
  // invalid_password; so a role that doesn't exist, where the server asks for a password
  {
    state: '28P01',
    code: 'QUEUE_UNREACHABLE',
    text: (_, { user }) => `${refusedLogin(user)}: the user in url or the password is wrong`,
    drops: true,
  },
  {
    state: '28',
    code: 'QUEUE_UNREACHABLE',
    text: (message, { user }) => `${refusedLogin(user)}: ${message}`,
    drops: true,
  },
  { state: '25006', code: 'QUEUE_UNREACHABLE', text: () => STANDBY, drops: true },
  { state: '08', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '57P', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  { state: '3D000', code: 'QUEUE_UNREACHABLE', text: message => message, drops: true },
  {
    state: '53300',
    code: 'QUEUE_UNREACHABLE',
    text: message => `no connection is left (${message}): raise max_connections, or use a pooler`,
    drops: true,
  },
  { state: '53', code: 'QUEUE_FULL', text: message => `the database is short of room (${message})` },
  { state: '58', code: 'QUEUE_FULL', text: message => `the database's disk is full or failing (${message})` },
  { state: '57014', code: 'QUEUE_BUSY', text: message => message },
  { state: '55P03', code: 'QUEUE_BUSY', text: () => 'another process holds a lock in the queue' },
  { state: '40', code: 'QUEUE_BUSY', text: message => message },
  { state: '42501', code: 'QUEUE_UNWRITABLE', text: (message, { user }) => `${message} (login "${user}")` },
  { state: '3F000', code: 'QUEUE_OTHER', text: withoutSchema },
  // a table, a column, a function that isn't there
  { state: '42P01', code: 'QUEUE_OTHER', text: withoutSchema },
  { state: '42703', code: 'QUEUE_OTHER', text: withoutSchema },
  { state: '42883', code: 'QUEUE_OTHER', text: withoutSchema },
]

function withoutSchema(message: string, { schema }: PostgresTarget): string {
  return `${message}; "${schema}" isn't as this program needs it: restore it, or run ${MIGRATE}`
}

export const MIGRATE = 'node_modules/.bin/ses-bounce queue migrate'

/** Set for the server, the database or the login; managed databases set it when their disk is full. */
export const READ_ONLY =
  'default_transaction_read_only is on: the queue must write; turn it off, or let url lead to the writer'
export const STANDBY = 'this server is a standby; url must lead to the writer'

/** The server refuses one more connection, and those that are open stay. The second: PgBouncer's (max_client_conn). */
export function isNoneLeft(error: unknown): boolean {
  return stateOf(error) === '53300' || /no more connections allowed/.test(errorMessage(error))
}

export function noAnswer({ timeoutMs }: Pick<PostgresTarget, 'timeoutMs'>): string {
  return `no answer within ${timeoutMs} ms`
}

/** The time that a new connection may take, until it can be used. */
export function connectTimeoutOf({ timeoutMs, connectTimeoutMs = timeoutMs }: PostgresTarget): number {
  return connectTimeoutMs
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

/** A word in the messages of pg and pg-pool: `Query read timeout`, `timeout exceeded when trying to connect`. */
export const TIMED_OUT = 'timeout'

export const TIMED_OUT_CONNECTING = 'connecting: timeout'

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
  const endsConnection = ENDING.has(String((error as { severity?: unknown }).severity))
  const [code, text] = known
    ? [known.code, known.text(message, target)]
    : ([endsConnection ? 'QUEUE_UNREACHABLE' : 'QUEUE_OTHER', `${message} (${state})`] as const)
  const fault = new QueueError(code, `${placeOf(target)}: ${text}`, { cause: error })
  return { error: fault, drops: known?.drops === true || endsConnection }
}

/** PostgreSQL, "Message Severity Levels": the session ends. In another language than English the limit of time does it. */
const ENDING: ReadonlySet<string> = new Set(['FATAL', 'PANIC'])

export function unreachable(target: PostgresTarget, text: string, cause?: unknown): QueueError {
  return new QueueError('QUEUE_UNREACHABLE', `${placeOf(target)}: ${text}`, { cause })
}

/** The message of pg or Node for a lost connection, in our words where theirs say little. */
function lost(message: string, target: PostgresTarget): string {
  if (message === TIMED_OUT_CONNECTING) return noAnswer({ timeoutMs: connectTimeoutOf(target) })
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
