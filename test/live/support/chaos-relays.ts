// Relays with addresses and schedules of their own, that come again until they are answered for good.
// Whatever breaks on the way to an answer is only a reason to come again, to the other Haraka.

import { setTimeout as pause } from 'node:timers/promises'
import type { Instance, PlannedMail } from './chaos-plan'
import { sesMail } from './mail'
import { replyText, sendMail, sendMailAndHangUp } from './smtp'

/** A mail as its relay sees it in the end. */
export interface RelayedMail {
  sesId: string
  region: string
  recipients: readonly string[]
  /** It got 250 at least once. */
  accepted: boolean
  /** Replies to the whole mail, oldest first. */
  replies: string[]
}

export interface Field {
  /** Undefined: nobody is there. */
  port(instance: Instance): number | undefined
}

const AGAIN_MS = 150

export class Relays {
  readonly mails: RelayedMail[] = []
  readonly #field: Field
  readonly #timeoutMs: number
  #ended = false

  /** `timeoutMs`: for an answer. */
  constructor(field: Field, timeoutMs: number) {
    this.#field = field
    this.#timeoutMs = timeoutMs
  }

  /** Resolves when every mail has its last answer. */
  async deliverAll(planned: readonly PlannedMail[]): Promise<void> {
    const startMs = performance.now()
    await Promise.all(
      planned.map(async mail => {
        await pause(mail.atMs - (performance.now() - startMs))
        await this.deliver(mail)
      }),
    )
  }

  /** Resolves with the last answer. `prepared`: for one whose id somebody has to know before it is sent. */
  async deliver(mail: PlannedMail, prepared = prepare(mail)): Promise<void> {
    const { relayed, data } = prepared
    this.mails.push(relayed)
    let { answer } = mail
    for (let tries = 0; ; tries++) {
      if (this.#ended) return
      const instance = (tries % 2 === 0 ? mail.instance : 1 - mail.instance) as Instance
      const reply = await this.#try(mail, data, instance, answer === 'lost')
      if (reply !== undefined) {
        relayed.replies.push(reply)
        relayed.accepted ||= reply.startsWith('2')
        if (!reply.startsWith('4') && answer !== 'forgotten') return
      }
      answer = 'heard'
      await pause(AGAIN_MS)
    }
  }

  /** Ends the relays: mails without an answer stay as they are. */
  end(): void {
    this.#ended = true
  }

  /** The answer to the mail; undefined: there was none. */
  async #try(
    { relay, recipients }: PlannedMail,
    data: Buffer,
    instance: Instance,
    hangsUp: boolean,
  ): Promise<string | undefined> {
    const port = this.#field.port(instance)
    if (port === undefined) return undefined
    const options = {
      port,
      localAddress: `127.0.0.${10 + relay}`,
      from: 'someone@origin.example',
      to: recipients,
      data,
      timeoutMs: this.#timeoutMs,
    }
    try {
      if (!hangsUp) return replyText((await sendMail(options)).reply)
      await sendMailAndHangUp({ ...options, when: 'after-data' })
    } catch {
      // no connection, or it broke
    }
    return undefined
  }
}

export function prepare(
  { region, recipients }: PlannedMail,
  headers: Readonly<Record<string, string>> = {},
): { relayed: RelayedMail; data: Buffer } {
  const { sesId, data } = sesMail({
    region,
    ...(recipients[0] !== undefined && { recipient: recipients[0] }),
    headers: { To: recipients.join(', '), ...headers },
  })
  return { data, relayed: { sesId, region, recipients, accepted: false, replies: [] } }
}
