// The facts of a mail: plain data, the same for the plugin, for explain and for tests.
// Text of the sender proves nothing; `receipt` holds the text of SES.

import type { Content } from './content'
import type { FieldReadings } from './field-readings'
import type { Refusal } from './refusal'

/** SES's verdicts in lower case; `none` where SES wrote none. */
export interface SesVerdicts {
  spam: string
  virus: string
  spf: string
  /** `pass` when any signature passed, else the first result. */
  dkim: string
  dmarc: string
}

/** Results of SES's own Received-SPF and Authentication-Results: what proves a domain. Domains as A-labels, lower case. */
export interface SesAuthentication {
  /** Domain of envelope-from for which SPF passed; none: no pass. */
  spfDomain?: string
  /** Domains (header.i) of the DKIM signatures that passed. */
  dkimDomains: string[]
  /** header.from domain with a DMARC pass. */
  dmarcDomain?: string
  /** Why SES's results prove nothing at all: a text for the log. */
  flaw?: string
}

/** What SES wrote at receipt, in its topmost block. */
export interface Receipt {
  form: 'classic' | 'mail-manager'
  /** OriginalMessageId of SES API SendBounce. */
  sesId: string
  /** False: of a form that SES isn't known to use; it is used all the same. */
  sesIdIsUsual: boolean
  region: string
  /** Milliseconds since the epoch, as SES wrote it; may lie in the future. */
  receivedAtMs: number
  /** The recipient that SES's Received names behind `for`, as written. */
  forRecipient?: string
  /** SES's Return-Path, as written; '' is the null sender; undefined: missing. */
  returnPath?: string
  client: { helo: string; name: string; ip: string }
  verdicts: SesVerdicts
  authentication: SesAuthentication
}

export interface EnvelopeRecipient {
  /** As the relay gave it in RCPT TO, without angle brackets. */
  address: string
  /** RFC 3461 NOTIFY=NEVER was given. */
  notifyNever: boolean
  /** Another plugin put it there, and for which of several RCPT TO isn't known. */
  isUnattributed?: boolean
  /** Refusals of this recipient and of the whole mail, in the order in which they came. Undefined: nobody refused it. */
  refusals?: readonly Refusal[]
}

/** The SMTP transaction as the relay gave it. */
export interface Envelope {
  /** MAIL FROM without angle brackets; '' is the null sender. */
  sender: string
  recipients: EnvelopeRecipient[]
  /** How many RCPT TO the relay gave, refused ones among them; undefined: as many as there are recipients. */
  rcptCommands?: number
  /** Who gave the mail to Haraka. */
  relayIp: string
  sizeBytes: number
}

/** One recipient: as the relay gave it, and as SES knows it. */
export interface RecipientFacts {
  envelope: EnvelopeRecipient
  /** Recipient of record; where it can't be established, the envelope's stands in. */
  address: string
  /** How it was established; `unconfirmed`: nothing speaks for it or against it; `mismatch`: it wasn't. */
  source: 'for' | 'header' | 'unconfirmed' | 'rewritten' | 'relay' | 'envelope' | 'mismatch'
  /** Why it is a mismatch. */
  mismatch?: Mismatch
  /** The header names SES's `for`, and not this recipient, who is the only one: a relay that rewrites recipients? */
  isBesideFor?: boolean
}

/** Why a recipient of record can't be established, or can't be given to SES. */
export type Mismatch = 'unknown' | 'several' | 'noFor' | 'unattributed' | 'notAscii'

/** Header fields as the peer sent them, without Haraka's own. Names in lower case. */
export interface HeaderFacts {
  /** Values of every field of that name, top down, unfolded, encoded words decoded. Each name is decoded once. */
  values(name: string): readonly string[]
  /**
   * The encoded words of a field of that name weren't decoded, as the header has too many; or the header was cut, and
   * such a field may stand in the rest of it.
   */
  valuesAreCut(name: string): boolean
  /** Addresses in every field of that name (groups opened), `local@domain`. */
  addresses(name: string): readonly string[]
  /**
   * A field of that name was too long to be read whole, or the header was cut: an address that isn't among those that
   * were read may stand there all the same.
   */
  addressesAreCut(name: string): boolean
}

export interface MailFacts {
  envelope: Envelope
  /** Undefined: the mail carries no usable receipt; `receiptFault` says why. */
  receipt?: Receipt
  receiptFault?: string
  /** Without a receipt: the worst words that may be SES's all the same. Never `pass`. */
  verdictsWithoutReceipt?: SesVerdicts
  /** Sender of record: SES's Return-Path; without one, the envelope's. '' is the null sender. */
  sender: string
  recipients: RecipientFacts[]
  headers: HeaderFacts
  /** The one mailbox of the one From field; undefined: none, several, or what can be read in two ways. */
  author?: string
  /** Only the beginning of the header is known: that a field or an address isn't in it proves nothing. */
  headerIsCut: boolean
  /** Fields of that name (in lower case) as leniently as any program may read them: for guards, and no proof of anything. */
  readings(name: string): FieldReadings
  /** Read when first asked for. Rejects where nothing can be made of the mail. */
  content(): Promise<Content>
  /** What other plugins found at that path, `rspamd.score`: one value, or the elements of a list. */
  results(path: string): readonly (string | number)[]
  /** Things worth a line in the log: an unusual id, a receipt from the future, a text that was cut. */
  warnings: string[]
}
