// The settings of ses-bounce.ini for the rest of the product: checked, with units in their names.

import type { Account } from './accounts'
import type { HttpToken } from './http-tokens'

export const GUARD_FLAGS = ['null_sender', 'own_domains', 'replied', 'virus', 'spam', 'list_mail'] as const
export type GuardFlag = (typeof GUARD_FLAGS)[number]

export const AUTHENTICATION_LEVELS = ['aligned', 'strict', 'none'] as const
export type AuthenticationLevel = (typeof AUTHENTICATION_LEVELS)[number]

/** `true`: such mail gets no bounce. */
export interface GuardSettings extends Record<GuardFlag, boolean> {
  /** Local parts or addresses in lower case; they are never bounced unless a rule names them. */
  role_addresses: string[]
  authentication: AuthenticationLevel
}

/** The reasons why a bounce isn't made: the keys of [fallback]. */
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
/** Values of [fallback] full: there is no room to keep the mail, and it can't be accepted, as the policy refused it. */
export const FULL_ACTIONS = ['reject', 'defer', 'drop'] as const satisfies readonly FallbackAction[]
export type FallbackAction = (typeof FALLBACK_ACTIONS)[number]

/** Whether mail for several recipients that a server behind Haraka may refuse goes to Haraka's outbound, one by one. */
export const SPLITS = ['auto', 'true', 'false'] as const
/** The answer to a delivery whose next try would be too late for a bounce. */
export const DELIVERY_WINDOWS = ['answered', 'bounce', 'keep'] as const
/** The senders who get Haraka's own DSN for a failed delivery without a bounce: those that pass the guards, or all. */
export const OWN_DSNS = ['guarded', 'haraka'] as const

/** The share of the different recipients in that time that one plugin or server refuses. */
export interface Surge {
  percent: number
  perMs: number
}

export interface Rate {
  count: number
  perMs: number
}

/**
 * The relay's RCPT TO holds the recipients that SES had (`kept`), others (`rewritten`), or either, to be determined for
 * each mail (`auto`).
 */
export const RELAY_RECIPIENTS = ['auto', 'kept', 'rewritten'] as const
export type RelayRecipients = (typeof RELAY_RECIPIENTS)[number]

export type QueueStoreSettings =
  | {
      store: 'sqlite'
      /** Relative to the Haraka directory, or absolute. */
      path: string
    }
  | {
      store: 'postgres'
      host: string
      port: number
      user: string
      database: string
      /** The text, `file:PATH` or `aws-iam`. */
      password?: string
      /** A file in Haraka's config directory. */
      ca?: string
      schema: string
      connections: number
      timeoutMs: number
      migrates: 'boot' | 'by hand'
      /** May hold `{hostname}`. */
      hostName: string
    }

/** The folders of the Haraka directory, or objects in S3 below a prefix, which has no slash at its ends. */
export type MailStorePlace = 'folder' | { bucket: string; prefix: string }

/** The settings of `ses-bounce relay`: mail in S3 that is announced in a queue of SQS. */
export interface SqsRelay {
  queueUrl: string
  deadLetterUrl: string
  buckets: readonly string[]
  /** Patterns for the domains of recipients. */
  domains: readonly string[]
  smtp: { host: string; port: number }
  login?: { user: string; password: string }
  tls: 'auto' | 'required' | 'off'
  concurrency: number
  s3Events: 'refuse' | 'for'
}

/** The permission of a token of the HTTP API. */
export const TOKEN_ROLES = ['read', 'operate'] as const
export type TokenRole = (typeof TOKEN_ROLES)[number]

export interface Settings {
  main: { mode: 'enforce' | 'observe'; onError: 'stop' | 'last_good' }
  relay: {
    /** Addresses and CIDR ranges, checked. With `authUsers` empty too, the plugin is idle. */
    trusted: string[]
    authUsers: string[]
    recipients: RelayRecipients
    /** The character between a mailbox and its label: `anna+shop@`. Empty: there are no labels. */
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
    /** Empty: the region that the receipt names. */
    regions: string[]
    /** '' is AWS, 'local' the emulator, else a URL that may hold `{region}`. */
    endpoint: string
    timeoutMs: number
  }
  /** In the order of the file. Empty: all mail is bounced with the usual credentials. */
  accounts: readonly Account[]
  limit: { intervalMs: number; slackMs: number; perSender?: Rate; perSenderDomain?: Rate }
  window: { lengthMs: number; marginMs: number }
  queue: QueueStoreSettings & {
    keepMs: number
    /** Whether the raw mail is kept until SES has made its bounces. */
    keepsMail: boolean
    retryFirstMs: number
    retryLongestMs: number
    unknownTries: number
  }
  content: { limitBytes: number }
  guard: GuardSettings
  fallback: Record<FallbackReason, FallbackAction>
  delivery: {
    split: (typeof SPLITS)[number]
    window: (typeof DELIVERY_WINDOWS)[number]
    ownDsn: (typeof OWN_DSNS)[number]
  }
  refusals: {
    /** Undefined: off. */
    surge?: Surge
    /** Domains (A-labels, lower case) whose hosts no sender reads of. */
    hidden: string[]
  }
  /** Undefined: there is none. */
  sqsRelay?: SqsRelay
  quarantine: { store: MailStorePlace; keepMs: number; limitBytes: number }
  http: {
    /** Empty: the API is off. */
    tokens: readonly HttpToken[]
    /** Host names (A-labels, lower case) that the page answers to, besides addresses, loopback names and config/me. */
    hosts: string[]
  }
}
