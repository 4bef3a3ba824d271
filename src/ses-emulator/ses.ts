// SES's state of one account, and its answer to a call with a valid signature and valid input.
// The state is in memory only.

import type { SendBounceRequest, VerificationStatus } from '@aws-sdk/client-ses'
import { SANDBOX_QUOTA, type SendQuota, USUAL_QUOTA } from './quota'
import { arnIdentity } from './values'
import type { Refusal } from './xml'

/** A mail that SES received. */
export interface KnownMessage {
  sesId: string
  region: string
  /** The number of the account that received it; default: that of the emulator's own credentials. */
  account?: string
  /** '' is the null sender. */
  sender: string
  recipients: string[]
  /** Milliseconds since the epoch. */
  receivedAtMs: number
}

export interface SesOptions {
  /** 'any': an unknown id that SES could have given is accepted, without checks of age, recipients and sender. */
  messages: 'any' | readonly KnownMessage[]
  /** Addresses, and domains with their addresses and subdomains. */
  identities: 'any' | readonly string[]
  /** Least time between two calls of one action in a region; 0: no limit. */
  intervalMs: number
  /** It isn't known whether SES accepts a second bounce for an id. */
  secondBounce: 'allow' | 'refuse'
  /** SES sends only to verified identities. */
  isInSandbox: boolean
  isPaused: boolean
  /** The most bounces, as there is no day here. */
  quota: number
}

export interface Arrival {
  region: string
  /** The present time in milliseconds since the epoch, for the age of the mail. */
  nowMs: number
  /** The same in monotonic milliseconds, for the pace. */
  atMs: number
}

// SES API: SendBounce
const LONGEST_AGE_MS = 24 * 3_600_000

/**
 * SES's ids consist of lower-case letters and digits; their forms aren't documented. This check finds a Message-ID or
 * the id of a sent mail, given instead of one.
 */
const RECEIVED_ID = /^[0-9a-z]+$/

export class Ses {
  readonly #options: SesOptions
  /** The known mails by region and id. */
  readonly #messages = new Map<string, KnownMessage>()
  readonly #identities: string[]
  readonly #bounced = new Set<string>()
  #sent = 0
  /** Monotonic milliseconds of the last call that wasn't throttled, by region and action. */
  readonly #lastCallMs = new Map<string, number>()

  constructor(options: SesOptions) {
    this.#options = options
    this.#identities = options.identities === 'any' ? [] : [...options.identities]
    if (options.messages !== 'any') for (const message of options.messages) this.addMessage(message)
  }

  addMessage(message: KnownMessage): void {
    this.#messages.set(key(message.region, message.sesId), message)
  }

  addIdentity(identity: string): void {
    this.#identities.push(identity)
  }

  /**
   * Undefined: the bounce was sent. A throttled call doesn't count for the pace of the next one, a refused one does.
   */
  sendBounce(input: SendBounceRequest, arrival: Arrival): Refusal | undefined {
    const fault = this.#throttle('SendBounce', arrival) ?? this.#evaluateMail(input, arrival)
    if (fault !== undefined) return fault
    this.#bounced.add(key(arrival.region, input.OriginalMessageId ?? ''))
    this.#sent++
    return undefined
  }

  get isPaused(): boolean {
    return this.#options.isPaused
  }

  quota(): SendQuota {
    const { isInSandbox, quota } = this.#options
    return { most: quota, rate: (isInSandbox ? SANDBOX_QUOTA : USUAL_QUOTA).rate, sent: this.#sent }
  }

  /** The status of each text that is an identity. SES API: one call a second, as for SendBounce. */
  verification(identities: readonly string[], arrival: Arrival): Refusal | Map<string, VerificationStatus> {
    const fault = this.#throttle('GetIdentityVerificationAttributes', arrival)
    if (fault !== undefined) return fault
    const known = identities.filter(identity => this.#isIdentity(identity))
    return new Map(known.map(identity => [identity, 'Success']))
  }

  /** An address that a domain covers is verified, but isn't an identity itself. */
  #isIdentity(text: string): boolean {
    return (
      this.#options.identities === 'any' || this.#identities.some(known => normal(known) === normal(text))
    )
  }

  #throttle(action: string, { region, atMs }: Arrival): Refusal | undefined {
    const last = this.#lastCallMs.get(key(region, action))
    if (last !== undefined && atMs - last < this.#options.intervalMs) return THROTTLED
    this.#lastCallMs.set(key(region, action), atMs)
    return undefined
  }

  // SES's texts and codes for an expired id, a null sender, a foreign recipient and a second bounce aren't known.
  // MessageRejected is assumed for faults of the mail, and InvalidParameterValue for faults of the call.
  #evaluateMail(input: SendBounceRequest, { region, nowMs }: Arrival): Refusal | undefined {
    if (this.#options.isPaused) return rejected('Sending paused for this account.')
    const id = input.OriginalMessageId ?? ''
    const message = this.#messages.get(key(region, id))
    if (message === undefined && (this.#options.messages !== 'any' || !RECEIVED_ID.test(id))) {
      return rejected(`The message ${id} was not found in region ${region}.`)
    }
    if (message !== undefined && nowMs - message.receivedAtMs > LONGEST_AGE_MS) {
      return rejected(`The message ${id} was received more than 24 hours ago.`)
    }
    const fault = this.#identityFault(input, region) ?? this.#sandboxFault(message, region)
    if (fault !== undefined) return fault
    if (this.#sent >= this.#options.quota) return QUOTA_REACHED
    if (message !== undefined) {
      const foreign = foreignRecipient(input, message)
      if (foreign !== undefined) {
        return invalid(`${foreign} is not a recipient of the message ${id}.`)
      }
      if (message.sender === '') return rejected(`The message ${id} has no sender that could get a bounce.`)
    }
    if (this.#options.secondBounce === 'refuse' && this.#bounced.has(key(region, id))) {
      return rejected(`The message ${id} has been bounced already.`)
    }
    return undefined
  }

  /** It is assumed that SES words it as for other mail that it sends. */
  #sandboxFault(message: KnownMessage | undefined, region: string): Refusal | undefined {
    if (!this.#options.isInSandbox) return undefined
    // the sender of a mail that isn't in the list isn't known
    const sender = message?.sender ?? UNKNOWN_SENDER
    if (this.#identities.some(known => covers(known, sender))) return undefined
    return rejected(
      'Email address is not verified. The following identities failed the check in region ' +
        `${region.toUpperCase()}: ${sender}`,
    )
  }

  /** An ARN names another account's identity. It is assumed that its policy allows the call. */
  #identityFault(input: SendBounceRequest, region: string): Refusal | undefined {
    const sender = input.BounceSender ?? ''
    const arn = input.BounceSenderArn
    if (arn !== undefined) {
      if (covers(arnIdentity(arn) ?? '', sender)) return undefined
      return invalid(`BounceSenderArn ${arn} does not cover the BounceSender ${sender}.`)
    }
    if (this.#options.identities === 'any' || this.#identities.some(known => covers(known, sender))) {
      return undefined
    }
    return rejected(
      `Failed to generate a bounce for ${input.OriginalMessageId}. The following identities are not verified: ` +
        `${sender} in region ${region.toUpperCase()}`,
    )
  }
}

const UNKNOWN_SENDER = 'unknown-sender@origin.invalid'

/** SES: troubleshooting, API error messages. */
const QUOTA_REACHED: Refusal = {
  status: 400,
  code: 'Throttling',
  message: 'Daily message quota exceeded.',
}

export const THROTTLED: Refusal = {
  status: 400,
  code: 'Throttling',
  message: 'Maximum sending rate exceeded.',
}

/** SES API: in SendBounce, Recipient or FinalRecipient must be a recipient of the original mail. */
function foreignRecipient(input: SendBounceRequest, { recipients }: KnownMessage): string | undefined {
  const known = new Set(recipients.map(normal))
  const isKnown = (address: string | undefined) => address !== undefined && known.has(normal(address))
  return input.BouncedRecipientInfoList?.find(
    info => !isKnown(info.Recipient) && !isKnown(info.RecipientDsnFields?.FinalRecipient),
  )?.Recipient
}

/** SES Developer Guide, "Creating and verifying identities": a domain covers its subdomains and all their addresses. */
function covers(identity: string, address: string): boolean {
  if (identity.includes('@')) return normal(identity) === normal(address)
  const domain = address.slice(address.lastIndexOf('@') + 1).toLowerCase()
  return domain === identity.toLowerCase() || domain.endsWith(`.${identity.toLowerCase()}`)
}

/** RFC 5321 section 2.4: only the domain ignores case. */
function normal(address: string): string {
  const at = address.lastIndexOf('@')
  return address.slice(0, at + 1) + address.slice(at + 1).toLowerCase()
}

const key = (region: string, name: string) => `${region} ${name}`

const rejected = (message: string): Refusal => ({ status: 400, code: 'MessageRejected', message })

const invalid = (message: string): Refusal => ({ status: 400, code: 'InvalidParameterValue', message })
