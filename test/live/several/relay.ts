// A relay that comes again, to one host after the other, until each mail has 250. It writes down what it was told, and when.

import { setTimeout as pause } from 'node:timers/promises'
import { sesMail } from '../support/mail'
import { seeded } from '../support/random'
import { replyText, sendMail } from '../support/smtp'
import type { Host } from './hosts'

export interface Told {
  atMs: number
  /** Milliseconds from the connection on. */
  tookMs: number
  host: string
  /** Undefined: the connection broke, or there was none. */
  reply: string | undefined
}

export interface SeveralMail {
  sesId: string
  sender: string
  recipient: string
  region: string
  told: Told[]
}

export const REGIONS = ['eu-west-1', 'us-east-1'] as const
/** The one with more mail than the cap allows. */
export const FREQUENT_SENDER = 'often@origin.example'
const FREQUENT_PER_CENT = 15
const AGAIN_MS = 200
/** Longer than any harm: a worker that was stopped answers when it goes on. */
const ANSWER_MS = 20_000
const HOUR_MS = 3_600_000
/** So that deadlines differ, and every call still has hours. */
const OLDEST_MS = 18 * HOUR_MS

export class SeveralRelay {
  readonly mails: SeveralMail[] = []
  readonly #hosts: readonly Host[]
  readonly #random: () => number
  #open = new Set<Promise<void>>()
  #isOver = false
  #next = 0

  constructor(hosts: readonly Host[], seed: number) {
    this.#hosts = hosts
    this.#random = seeded(seed)
  }

  /** A mail, to each host in turn. */
  send({ sender = this.#drawSender() }: { sender?: string } = {}): SeveralMail {
    const number = this.mails.length
    const region = REGIONS[Math.floor(this.#random() * REGIONS.length)] ?? REGIONS[0]
    const recipient = `user${number}@yours.example`
    const { sesId, data } = sesMail({
      region,
      sender,
      recipient,
      receivedAt: new Date(Date.now() - Math.floor(this.#random() * OLDEST_MS)),
    })
    const mail: SeveralMail = { sesId, sender, recipient, region, told: [] }
    this.mails.push(mail)
    const sent = this.#deliver(mail, data, this.#next++).finally(() => this.#open.delete(sent))
    this.#open.add(sent)
    return mail
  }

  #drawSender(): string {
    const isFrequent = this.#random() * 100 < FREQUENT_PER_CENT
    return isFrequent ? FREQUENT_SENDER : `sender${this.mails.length}@origin.example`
  }

  /** Until the answer is called: a mail each `everyMs`. */
  keepSending(everyMs: number): () => void {
    const timer = setInterval(() => this.send(), everyMs)
    return () => clearInterval(timer)
  }

  /** Every mail has its 250. */
  async answered(): Promise<void> {
    while (this.#open.size > 0) await Promise.all(this.#open)
  }

  get openMails(): SeveralMail[] {
    return this.mails.filter(({ told }) => told.at(-1)?.reply?.startsWith('2') !== true)
  }

  end(): void {
    this.#isOver = true
  }

  async #deliver(mail: SeveralMail, data: Buffer, first: number): Promise<void> {
    for (let tries = 0; !this.#isOver; tries++) {
      const host = this.#hosts[(first + tries) % this.#hosts.length]
      if (host === undefined) return
      const fromMs = Date.now()
      const reply = await this.#try(mail, data, host)
      mail.told.push({ atMs: Date.now(), tookMs: Date.now() - fromMs, host: host.name, reply })
      if (reply?.startsWith('2')) return
      await pause(AGAIN_MS)
    }
  }

  async #try({ sender, recipient }: SeveralMail, data: Buffer, host: Host): Promise<string | undefined> {
    const port = host.up?.port
    if (port === undefined) return undefined
    const mail = { port, from: sender, to: [recipient], data, timeoutMs: ANSWER_MS }
    return sendMail(mail).then(
      ({ reply }) => replyText(reply),
      () => undefined,
    )
  }
}
