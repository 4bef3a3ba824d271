// Plugins that refuse what a test tells them to: a local part `NAME.HOOK.FORM.anything` has the plugin NAME refuse at HOOK
// in FORM. In a recipient it is that recipient; in MAIL FROM it is the whole mail. All else they let pass.

import { type FlowOptions, startFlow } from './flow'
import type { Product } from './product'

export const FORMS = [
  'text',
  'coded',
  'lines',
  'dsn',
  'nothing',
  'hangup',
  'soft',
  'softdsn',
  'harddsn',
  'relaying',
] as const
export type Form = (typeof FORMS)[number]

/** The words of each form at RCPT, for the relay and so for the sender. */
export const WORDS: Record<Form, string> = {
  text: 'No mailbox here by that name',
  coded: '550 5.1.6 The mailbox has moved',
  lines: '5.7.1 Two lines of words',
  dsn: '5.2.2 The mailbox is full',
  nothing: '',
  hangup: 'We part here',
  soft: 'Not now',
  softdsn: '4.2.2 The mailbox is full for now',
  harddsn: '5.1.1 Gone for good',
  relaying: '5.7.54 Unable to relay',
}

export interface Refuser {
  name: string
  /** Haraka's priorities, by hook. Default: 0. */
  priorities?: Partial<Record<(typeof HOOKS)[number], number>>
}

const HOOKS = ['mail', 'rcpt', 'rcpt_ok', 'data', 'data_post', 'queue'] as const

export function refuserFiles(refusers: readonly Refuser[]): Record<string, string> {
  return Object.fromEntries(refusers.map(one => [`plugins/${one.name}.js`, refuserText(one)]))
}

/** Haraka with these plugins above and below ours; each recipient that they let pass is accepted, each mail captured. */
export function startRefusing({
  above = [],
  below = [],
  plugins = [],
  pluginsBelow = [],
  files,
  ...options
}: Omit<FlowOptions, 'plugins'> & {
  above?: readonly Refuser[]
  below?: readonly Refuser[]
  /** More lines of config/plugins, above ours. */
  plugins?: readonly string[]
  pluginsBelow?: readonly string[]
}): Promise<Product> {
  return startFlow({
    ...options,
    plugins: [
      ...plugins,
      ...above.map(({ name }) => name),
      'ses-bounce',
      'probe',
      ...below.map(({ name }) => name),
      ...pluginsBelow,
    ],
    files: { ...refuserFiles([...above, ...below]), ...files },
  })
}

function refuserText({ name, priorities = {} }: Refuser): string {
  return `'use strict'
const DSN = require(${JSON.stringify(require.resolve('haraka-dsn'))})
const WORDS = ${JSON.stringify(WORDS)}

exports.register = function () {
  const priorities = ${JSON.stringify(priorities)}
  for (const hook of ${JSON.stringify(HOOKS)}) this.register_hook(hook, 'at_' + hook, priorities[hook] || 0)
}

const answers = {
  text: next => next(DENY, WORDS.text),
  coded: next => next(DENY, WORDS.coded),
  lines: next => next(DENY, ['5.7.1 Two lines', '5.7.1 of words']),
  dsn: next => next(DENY, DSN.mbox_full('The mailbox is full', 552)),
  nothing: next => next(DENY),
  hangup: next => next(DENYDISCONNECT, WORDS.hangup),
  soft: next => next(DENYSOFT, WORDS.soft),
  softdsn: next => next(DENY, DSN.mbox_full('The mailbox is full for now', 450)),
  harddsn: next => next(DENYSOFT, DSN.addr_bad_dest_mbox('Gone for good', 550)),
  relaying: next => next(DENY, WORDS.relaying),
}

function answer(next, hook, addresses) {
  for (const { address } of addresses) {
    const [name, at, form] = address.split('@')[0].split('.')
    // answered later, as by a directory or a scanner
    if (name === ${JSON.stringify(name)} && at === hook) return setImmediate(answers[form], next)
  }
  next()
}

for (const hook of ['mail', 'data', 'data_post', 'queue'])
  exports['at_' + hook] = (next, { transaction }) => answer(next, hook, [transaction.mail_from])
exports.at_rcpt = (next, connection, [address]) => answer(next, 'rcpt', [address])
exports.at_rcpt_ok = (next, connection, address) => answer(next, 'rcpt_ok', [address])
`
}
