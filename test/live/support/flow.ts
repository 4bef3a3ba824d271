// A mail's whole way: in from the relay, and what became of it with SES, the queue, the quarantine and the next plugin.
// Checks right after the reply need no wait: all but the call is on disk before Haraka answers.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { QuarantineRecord } from '../../../src/quarantine/record'
import { parseRecord } from '../../../src/quarantine/record'
import type { Call } from '../../../src/ses-emulator/call'
import type { RunningHaraka } from './haraka'
import { type SesMail, type SesMailOptions, sesMail } from './mail'
import { type Ini, type Product, type ProductOptions, startProduct } from './product'
import { type ConnectOptions, replyText, type SmtpReply, sendMail } from './smtp'
import { until } from './wait'

/** No pace to wait for, and no cap on how often one sender is told. */
const QUICK: Ini = { limit: { interval: '20ms', slack: '0ms', per_sender: '' } }

export interface FlowOptions extends ProductOptions {
  /** Text by path, for helper plugins and more configuration. */
  files?: Record<string, string>
  /** Lines of config/plugins above `accept_all` and `capture`. */
  plugins?: string[]
}

/** The product with `probe` beside it, at a pace that no test has to wait for. */
export function startFlow({ ini = {}, files, plugins, ...options }: FlowOptions = {}): Promise<Product> {
  return startProduct({
    ...options,
    ini: { ...ini, limit: { ...QUICK['limit'], ...ini['limit'] } },
    ses: { intervalMs: 0, ...options.ses },
    haraka: {
      ...options.haraka,
      plugins: plugins ?? ['ses-bounce', 'probe'],
      files: { 'plugins/probe.js': probePlugin, ...files, ...options.haraka?.files },
    },
  })
}

export interface RelayOptions extends SesMailOptions {
  /** RCPT TO of the relay; of SES too, if `sesRecipients` says nothing else. */
  to?: string[]
  sesRecipients?: string[]
  /** MAIL FROM of the relay. */
  from?: string
  /** Sent in place of a new mail. */
  mail?: SesMail
  connect?: Omit<ConnectOptions, 'port'>
  rcptParams?: string
  /** A command before MAIL FROM. */
  before?: string
}

/** A mail that SES took for one or more recipients, passed on by the relay. SES knows it. */
export async function relay(
  product: Product,
  { to = ['user@yours.example'], sesRecipients = to, ...options }: RelayOptions = {},
): Promise<{ reply: SmtpReply; mail: SesMail }> {
  const mail = options.mail ?? mailFor(product, sesRecipients, options)
  const { reply } = await sendMail({
    port: product.haraka.port,
    from: options.from ?? mail.sender ?? 'someone@origin.example',
    to,
    data: mail.data,
    ...options.connect,
    ...(options.rcptParams !== undefined && { rcptParams: options.rcptParams }),
    ...(options.before !== undefined && { before: options.before }),
  })
  return { reply, mail }
}

/** SES's `for` is the first recipient; To names them all. */
export function mailFor(product: Product, recipients: string[], options: SesMailOptions = {}): SesMail {
  const mail = sesMail({
    ...(recipients[0] !== undefined && { recipient: recipients[0] }),
    ...options,
    headers: { To: recipients.join(', '), ...options.headers },
  })
  product.ses.addMessage({
    sesId: mail.sesId,
    region: options.region ?? 'eu-west-1',
    sender: mail.sender ?? 'someone@origin.example',
    recipients,
    receivedAtMs: mail.receivedAt.getTime(),
  })
  return mail
}

/** `550 5.1.1 No such mailbox`, without the id of the transaction that Haraka may add. */
export function said(reply: SmtpReply): string {
  return replyText(reply).replace(/ \([0-9A-F-]{36}\.\d+\)$/, '')
}

/** All calls for a mail, once it has no bounce that is still to be sent. */
export async function callsFor(product: Product, { sesId }: Pick<SesMail, 'sesId'>): Promise<Call[]> {
  await until(() => product.jobs({ sesId }).every(({ state }) => state !== 'queued' && state !== 'sending'), {
    what: `the calls for ${sesId}`,
  })
  return product.ses.calls.filter(({ params }) => params['OriginalMessageId'] === sesId)
}

/** The only call for a mail, as SES took it. */
export async function bounceOf(product: Product, mail: SesMail): Promise<NonNullable<Call['input']>> {
  const [call, ...more] = await callsFor(product, mail)
  assert.equal(more.length, 0, `SES was called ${more.length + 1} times`)
  assert.equal(call?.outcome.status, 200, `SES was to take the bounce: ${JSON.stringify(call?.outcome)}`)
  assert.ok(call.input)
  return call.input
}

/** Sorted. */
export function recipientsOf({ BouncedRecipientInfoList = [] }: NonNullable<Call['input']>): string[] {
  return BouncedRecipientInfoList.map(({ Recipient = '' }) => Recipient).toSorted()
}

export function deliveredOf(product: Product, mail: SesMail): { hook: string; to: string[] }[] {
  return product.haraka
    .delivered()
    .filter(({ data }) => data.includes(messageId(mail)))
    .map(({ hook, to }) => ({ hook, to }))
}

export interface Kept {
  eml: Buffer
  record: QuarantineRecord
}

/** The mails of the quarantine that are this one. */
export function keptOf(product: Product, mail: SesMail): Kept[] {
  return everythingKept(product.haraka).filter(({ eml }) => eml.includes(messageId(mail)))
}

function messageId({ data }: SesMail): string {
  const [, id] = /^Message-ID: (<.+>)\r$/m.exec(data.toString('latin1')) ?? []
  if (id === undefined) throw new Error('the mail has no Message-ID')
  return id
}

/** The mail as Haraka hands it on, without its own Received: it moves others' fields on authentication to the end. */
export function asHandedOn({ data }: SesMail): string {
  const [header = '', ...body] = data.toString('latin1').split('\r\n\r\n')
  const fields = header.split(/\r\n(?![ \t])/)
  const isResults = (field: string) => field.startsWith('Authentication-Results:')
  const moved = fields.filter(isResults).map(field => `Original-${field}`)
  const handedOn = [...fields.filter(field => !isResults(field)), ...moved].join('\r\n')
  return [handedOn, ...body].join('\r\n\r\n')
}

function everythingKept({ dir }: RunningHaraka): Kept[] {
  const folder = path.join(dir, 'ses-bounce/quarantine')
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names
    .filter(name => /^[0-9a-f]+\.eml$/.test(name))
    .flatMap(name => {
      try {
        return [
          {
            eml: readFileSync(path.join(folder, name)),
            record: parseRecord(
              readFileSync(path.join(folder, name.replace(/eml$/, 'json')), 'utf8'),
            ) as QuarantineRecord,
          },
        ]
      } catch (error) {
        // it was deleted meanwhile
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
        throw error
      }
    })
}

/** The mail is nowhere, and will be nowhere: neither at SES nor at the next plugin nor in the quarantine. */
export function assertUntouched(product: Product, mail: SesMail): void {
  assert.deepEqual(deliveredOf(product, mail), [])
  assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  assert.deepEqual(keptOf(product, mail), [])
}

export interface Decided {
  recipient: string
  rule?: string
  wanted: string
  action: string
  reason?: string
  detail?: string
}

export interface Noted {
  pid: number
  sesId: string | undefined
  decisions: Decided[] | undefined
}

/** The results that `probe` found in transaction.results, for mail that was answered with 250; oldest first. */
export function noted({ dir }: RunningHaraka): Noted[] {
  const file = path.join(dir, 'results.jsonl')
  if (!existsSync(file)) return []
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1)
  return lines.map(line => JSON.parse(line) as Noted)
}

/** Lines of the log in which the plugin speaks of a mail. */
export function linesOf({ haraka }: Product, { sesId }: SesMail): string[] {
  return haraka.log().filter(line => line.includes('[ses-bounce]') && line.includes(sesId))
}

// The name in EHLO says what the peer is. results: what other plugins can read of ours.
const probePlugin = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, 'results.jsonl')

exports.hook_ehlo = (next, connection, name) => {
  if (name.startsWith('relaying.')) connection.relaying = true
  if (name.startsWith('user.')) connection.notes.auth_user = name.slice('user.'.length)
  next()
}
exports.hook_queue_ok = (next, connection) => {
  const found = connection.transaction.results.get('ses-bounce')
  const note = { pid: process.pid, sesId: found?.ses_id, decisions: found?.decisions }
  fs.appendFileSync(file, JSON.stringify(note) + '\\n')
  next()
}
`
