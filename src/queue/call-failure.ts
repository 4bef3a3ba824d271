// The reason why the last calls of a lane made no bounce, by the text that was stored for the last one. Pure.

/** The SDK finds no credentials. */
export const NO_CREDENTIALS: ReadonlySet<string> = new Set(['CredentialsProviderError', 'TokenProviderError'])

/** A lane whose latest call made no bounce, and left a job that waits or is held. */
export interface LaneFailure {
  region: string
  /** The first failed call since SES last answered a call of the lane. Of very many waiting jobs it may be a later one. */
  sinceMs: number
  lastMs: number
  /** Undefined: no job waits for another attempt. */
  nextTryMs?: number
  /** The detail of the latest call. */
  detail: string
}

export type FailureKind =
  /** SES wasn't reached, or didn't answer. */
  | 'unreachable'
  /** SES wasn't asked. */
  | 'no_credentials'
  | 'answered'

/** `text`: as src/dispatch/outcomes.ts and role.ts write it. An answer begins with its status. */
export function failureKind(text: string): FailureKind {
  const detail = text.replace(HELD, '')
  const [name = ''] = detail.split(':', 1)
  if (NO_CREDENTIALS.has(name) || OF_ROLE.test(detail)) return 'no_credentials'
  return ANSWERED.test(detail) ? 'answered' : 'unreachable'
}

/** The beginning of a held job's text in queue/effects.ts. */
const HELD = /^the outcome of \d+ calls is unknown, the last: /
const OF_ROLE =
  /^(?:account .{1,100}?: (?:its role can't be assumed|STS gave no credentials): |no \[account\.NAME\] has a role)/
const ANSWERED =
  /^(?:(?:the account|account .{1,100}?) is in the sandbox: )?(?:\d{3} |SES refused \d+ mails|SES's answer)/
