// The settings of ses-bounce.ini as the rest of the product sees them: checked, with units in their names.

export const GUARD_FLAGS = ['null_sender', 'own_domains', 'replied', 'virus', 'spam', 'list_mail'] as const
export type GuardFlag = (typeof GUARD_FLAGS)[number]

export const AUTHENTICATION_LEVELS = ['aligned', 'strict', 'none'] as const
export type AuthenticationLevel = (typeof AUTHENTICATION_LEVELS)[number]

/** `true`: no bounce to such mail. */
export interface GuardSettings extends Record<GuardFlag, boolean> {
  /** Local parts, or whole addresses, that are never bounced unless a rule names them; lower case. */
  role_addresses: string[]
  authentication: AuthenticationLevel
}

/** Why a bounce isn't made: the keys of [fallback]. */
export const FALLBACK_REASONS = [
  'expired',
  'overload',
  'no_receipt',
  'mismatch',
  'ended',
  'unsafe',
  'capped',
  'full',
  'unreadable',
] as const
export type FallbackReason = (typeof FALLBACK_REASONS)[number]

export const FALLBACK_ACTIONS = ['reject', 'quarantine', 'accept', 'defer', 'drop'] as const
/** Without a place to keep a mail in; it can't be accepted either, as policy refused it. */
export const FULL_ACTIONS = ['reject', 'defer', 'drop'] as const satisfies readonly FallbackAction[]
export type FallbackAction = (typeof FALLBACK_ACTIONS)[number]

export interface Rate {
  count: number
  perMs: number
}

/**
 * What the relay gives in RCPT TO: the recipients that SES had (`kept`), others in their place (`rewritten`), or either,
 * to be found out (`auto`).
 */
export const RELAY_RECIPIENTS = ['auto', 'kept', 'rewritten'] as const
export type RelayRecipients = (typeof RELAY_RECIPIENTS)[number]

export interface Settings {
  main: { mode: 'enforce' | 'observe' }
  relay: {
    /** Addresses and CIDR ranges, checked. With `authUsers` empty too, the plugin is idle. */
    trusted: string[]
    authUsers: string[]
    recipients: RelayRecipients
    /** Between a mailbox and its label: `anna+shop@`. Empty: there are no labels. */
    labelSeparator: string
    /** Domains (A-labels, lower case) that SES receives for, besides host_list; `@.` before one: with its subdomains. */
    domains: string[]
  }
  ses: {
    /** Template for an address. */
    bounceSender: string
    bounceSenderArn?: string
    /** `dns; name`; undefined: Haraka's own name. */
    reportingMta?: string
    /** Empty: whichever region the receipt names. */
    regions: string[]
    /** '' is AWS, 'local' the stand-in, else a URL that may hold `{region}`. */
    endpoint: string
    timeoutMs: number
  }
  limit: { intervalMs: number; slackMs: number; perSender?: Rate; perSenderDomain?: Rate }
  window: { lengthMs: number; marginMs: number }
  queue: {
    store: 'sqlite'
    /** Relative to the Haraka directory, or absolute. */
    path: string
    keepMs: number
    /** The raw mail, until SES has made its bounces. */
    keepsMail: boolean
    retryFirstMs: number
    retryLongestMs: number
    unknownTries: number
  }
  content: { limitBytes: number }
  guard: GuardSettings
  fallback: Record<FallbackReason, FallbackAction>
  quarantine: { store: 'folder'; keepMs: number; limitBytes: number }
  http: {
    /** SHA-256 of the bearer token, in hexadecimal; undefined: the API is off. */
    tokenSha256?: string
    /** Names (A-labels, lower case) under which the page may be asked, besides addresses, loopback names and config/me. */
    hosts: string[]
  }
}
