// The facts of a mail: plain data, the same for the plugin, for `explain` and for `test`.
// Only `receipt` holds values that SES wrote. Values from the sender prove nothing.

import type { AsciiDomain, EpochMs } from '../units'
import type { Content } from './content'
import type { FieldReadings } from './field-readings'
import type { Refusal } from './refusal'

/** SES's verdicts in lower case; `none` where SES wrote none. */
export interface SesVerdicts {
  spam: string
  virus: string
  spf: string
  /** `pass` if any signature passed, else the first result. */
  dkim: string
  dmarc: string
}

/** The domains that SES's own Received-SPF and Authentication-Results prove, as A-labels in lower case. */
export interface SesAuthentication {
  /** The domain of envelope-from, if SPF passed for it. */
  spfDomain?: AsciiDomain
  /** Domains (header.i) of the DKIM signatures that passed. */
  dkimDomains: AsciiDomain[]
  /** The domain of header.from, if DMARC passed. */
  dmarcDomain?: AsciiDomain
  /** The reason why SES's results prove nothing at all: a text for the log. */
  flaw?: string
}

/** The values that SES wrote at receipt, in the topmost block of its fields. */
export interface Receipt {
  form: 'classic' | 'mail-manager'
  /** SES's id of the mail: OriginalMessageId of SendBounce. */
  sesId: string
  /** False: the id has an unknown form. It is used all the same. */
  sesIdIsUsual: boolean
  region: string
  /** Time of receipt as SES wrote it, in milliseconds since the epoch. May be in the future. */
  receivedAtMs: EpochMs
  /** The recipient after `for` in SES's Received, as written. */
  forRecipient?: string
  /** SES's Return-Path, as written. '' is the null sender. Undefined: missing. */
  returnPath?: string
  client: { helo: string; name: string; ip: string }
  verdicts: SesVerdicts
  authentication: SesAuthentication
}

export interface EnvelopeRecipient {
  /** The address as the relay gave it in RCPT TO, without angle brackets. */
  address: string
  /** The relay gave NOTIFY=NEVER (RFC 3461). */
  notifyNever: boolean
  /** Another plugin added this recipient, and it isn't known for which of several RCPT TO. */
  isUnattributed?: boolean
  /** The refusal may be that of another recipient. */
  isMixedUp?: boolean
  /** Refusals of this recipient and of the whole mail, in the order in which they came. Undefined: nobody refused it. */
  refusals?: readonly Refusal[]
}

/** The SMTP transaction as the relay gave it. */
export interface Envelope {
  /** MAIL FROM without angle brackets; '' is the null sender. */
  sender: string
  recipients: EnvelopeRecipient[]
  /** Number of RCPT TO that the relay gave, refused ones included. Undefined: the number of recipients. */
  rcptCommands?: number
  /** The peer that gave the mail to Haraka. */
  relayIp: string
  sizeBytes: number
}

/** One recipient: as the relay gave it, and as SES had it. */
export interface RecipientFacts {
  envelope: EnvelopeRecipient
  /** Recipient of record. If it can't be determined, the recipient of the envelope. */
  address: string
  /** The way in which it was found. `unconfirmed`: no evidence for or against it. `mismatch`: it couldn't be found. */
  source: 'for' | 'header' | 'unconfirmed' | 'rewritten' | 'relay' | 'envelope' | 'mismatch'
  /** The reason for a mismatch. */
  mismatch?: Mismatch
  /** The header names SES's `for` but not this recipient, the only one: perhaps the relay rewrites recipients. */
  isBesideFor?: boolean
}

/** Reasons why a recipient of record can't be determined, or SES wouldn't accept it. */
export type Mismatch = 'unknown' | 'several' | 'noFor' | 'unattributed' | 'mixedUp' | 'notAscii'

/** Header fields as the peer sent them, without Haraka's own. All names are in lower case. */
export interface HeaderFacts {
  /** Values of all fields of that name from top to bottom, unfolded, with encoded words decoded. Decoded once. */
  values(name: string): readonly string[]
  /**
   * True: encoded words of such a field weren't decoded because the header has too many, or the header was cut and its
   * rest may hold such a field.
   */
  valuesAreCut(name: string): boolean
  /** Addresses `local@domain` of all fields of that name, members of groups included. */
  addresses(name: string): readonly string[]
  /**
   * True: such a field was too long to be read completely, or the header was cut, so there may be more addresses than
   * `addresses` returns.
   */
  addressesAreCut(name: string): boolean
}

/** `difference`: the part that mailparser reads differently, as a text for the log. */
export type ConfirmedFacts = { facts: MailFacts } | { difference: string }

export interface MailFacts {
  envelope: Envelope
  /** Undefined: the mail has no usable receipt; `receiptFault` gives the reason. */
  receipt?: Receipt | undefined
  receiptFault?: string | undefined
  /** Only without a receipt: the worst verdicts in fields that SES may have written. Never `pass`. */
  verdictsWithoutReceipt?: SesVerdicts | undefined
  /** Sender of record: SES's Return-Path, else the sender of the envelope. '' is the null sender. */
  sender: string
  recipients: RecipientFacts[]
  headers: HeaderFacts
  /** The one mailbox of the one From field. Undefined: none, several, or more than one way to read it. */
  author?: string | undefined
  /** Only the beginning of the header is known, so a missing field or address proves nothing. */
  headerIsCut: boolean
  /**
   * All readings of the fields of that name (in lower case), as lenient as any program's. For guards; they prove
   * nothing.
   */
  readings: (name: string) => FieldReadings
  /** Read at the first call. Rejects with an UnreadableError where the content can't be read. */
  content: () => Promise<Content>
  /** Results of other plugins at that path, such as `rspamd.score`: one value, or the elements of a list. */
  results(path: string): readonly (string | number)[]
  /** Texts for the log: an unusual id, a receipt in the future, a text that was cut. */
  warnings: string[]
  /**
   * Before a bounce: the facts as mailparser reads the header, if it agrees in all that a bounce needs. `guardFields`: names
   * of the fields that guards read. Undefined: these are mailparser's. Rejects only if it can't be loaded.
   */
  confirm?: (guardFields: readonly string[]) => Promise<ConfirmedFacts>
}
