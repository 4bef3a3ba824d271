// Haraka that delivers outbound, to servers of the test: which server a domain has is in config/routes.json.

import { readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type FlowOptions, type RelayOptions, relay, startFlow } from './flow'
import type { SesMail } from './mail'
import { type MailServer, type MailServerOptions, startMailServer } from './mail-server'
import type { Product } from './product'
import type { SmtpReply } from './smtp'
import { until } from './wait'

export interface DeliveryOptions extends FlowOptions {
  /** Lines of config/outbound.ini. Default: no second try. */
  outbound?: string
}

/** Haraka's outbound/config.js: the shortest pause that it accepts, and one more try. */
export const ONE_MORE_TRY = 'temp_fail_intervals=5s\n'

/** Every failed delivery is bounced, unless `rules` say otherwise. */
export const UNDELIVERABLE = '[undeliverable]\nrefused.stage = delivery\naction = bounce\n'

export function startDelivery({
  outbound = 'temp_fail_intervals=none\n',
  files,
  ini,
  ...options
}: DeliveryOptions = {}): Promise<Product> {
  return startFlow({
    rules: UNDELIVERABLE,
    // most recipients are refused here
    ini: { refusals: { surge: '' }, ...ini },
    ...options,
    files: {
      'config/outbound.ini': `enable_tls=false\n${outbound}`,
      'config/routes.json': '{}',
      'plugins/capture.js': routesPlugin,
      ...files,
    },
  })
}

/** By domain the port of its server on this machine. Haraka knows no server for another domain. */
export function route({ haraka }: Product, ports: Readonly<Record<string, number>>): void {
  writeFileSync(path.join(haraka.dir, 'config/routes.json'), JSON.stringify(ports))
}

/** `relay` from a relay that may send to any domain: Haraka delivers the mail outbound. */
export function send(
  product: Product,
  options: RelayOptions = {},
): Promise<{ reply: SmtpReply; mail: SesMail }> {
  return relay(product, { ...options, connect: { helo: 'relaying.relay.example', ...options.connect } })
}

/** Files of Haraka's own queue. */
export function queued({ haraka }: Product): string[] {
  return readdirSync(path.join(haraka.dir, 'queue')).filter(name => /^\d/.test(name))
}

/** Until Haraka has neither mail to deliver nor a DSN of its own: it writes the DSN before the mail goes. */
export function untilDelivered(product: Product): Promise<unknown> {
  return until(() => queued(product).length === 0, { what: "an empty queue of Haraka's" })
}

/** A server whose replies a test sets by address; it accepts all others. */
export interface MovableServer extends MailServer {
  refuse: Record<'mail' | 'rcpt' | 'dot', Map<string, string>>
}

export async function startMovableServer(
  options: Pick<MailServerOptions, 'lmtp' | 'login'> = {},
): Promise<MovableServer> {
  const refuse = {
    mail: new Map<string, string>(),
    rcpt: new Map<string, string>(),
    dot: new Map<string, string>(),
  }
  const server = await startMailServer({
    ...options,
    mail: address => refuse.mail.get(address),
    rcpt: address => refuse.rcpt.get(address),
    dot: address => refuse.dot.get(address),
  })
  return { ...server, refuse }
}

/** The recipients that Haraka's own DSNs name, of those that came to the server. */
export function dsnRecipients({ accepted }: MailServer): string[] {
  return accepted
    .filter(({ from, data }) => from === '' && data.includes('report-type=delivery-status'))
    .flatMap(({ data }) =>
      [...data.matchAll(/^Final-Recipient: rfc822;(.*)\r$/gm)].map(([, one = '']) => one),
    )
}

const routesPlugin = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, 'config', 'routes.json')

exports.hook_get_mx = (next, hmail, domain) => {
  const port = JSON.parse(fs.readFileSync(file, 'utf8'))[domain]
  if (port === undefined) return next(DENY, 'no route for it')
  next(OK, { priority: 0, exchange: '127.0.0.1', port })
}
`
