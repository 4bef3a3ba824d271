// The same refused mails through a running Haraka and through `explain`: both say the same.

import assert from 'node:assert/strict'
import { readConfigContext } from '../../src/cli/explain/config-context'
import { explainWhole } from '../../src/cli/explain/explain-mail'
import { parseRefused } from '../../src/cli/explain/given-refusals'
import type { Refusal } from '../../src/mail/refusal'
import { sharedWorkerThreads } from '../cli/shared-threads'
import { callsFor, deliveredOf, keptOf, mailFor, relay, said } from './support/flow'
import type { Product } from './support/product'
import { type Form, startRefusing, WORDS } from './support/refusers'

const GOOD = 'user@yours.example'
const RULES = `
[unasked]
sender = /never in any mail/
action = drop
[observed]
refused.by = *
action = drop
mode = observe
[virus]
refused.by = scan
refused.status = 5.1.6
action = bounce
[content]
refused.by = scan
subject = *bounce it*
action = bounce
bounce.text = {plugin} said {code} {status} {reason}
[unknown]
refused.by = ldap
not.subject = *leave it*
action = bounce
[safe]
refused.by = firm
action = bounce
fallback = reject
[forward]
refused.by = back
refused.stage = queue
action = bounce
[kept]
refused.by = hold
action = quarantine
[told]
refused.by = tell
action = reject
[told otherwise]
refused.by = word
not.subject = *leave it*
action = reject
reply = 5.7.1 {plugin}: {reason}
[later]
refused.by = slow
action = defer
`

interface Case {
  to: string[]
  from?: string
  /** MAIL FROM of the sender, who has the whole mail refused. */
  subject?: string
}

const bad = (by: string, form: Form = 'text', hook = 'rcpt') =>
  `${by}.${hook}.${form}.${++count}@yours.example`
const whole = (by: string, hook: string, form: Form = 'text') => `${by}.${hook}.${form}.x@origin.example`
let count = 0

const CASES: Record<string, Case> = {
  'a recipient that is bounced': { to: [bad('ldap')] },
  'lines of words': { to: [bad('ldap', 'lines')] },
  'a DSN': { to: [bad('ldap', 'dsn')] },
  'a code in the text': { to: [bad('ldap', 'coded')] },
  'a hang-up': { to: [bad('ldap', 'hangup')] },
  'a hard DSN with a soft answer': { to: [bad('ldap', 'harddsn')] },
  'a soft refusal': { to: [bad('ldap', 'soft')] },
  'a soft DSN': { to: [bad('ldap', 'softdsn')] },
  'a server that does not relay': { to: [bad('ldap', 'relaying')] },
  'a bounced one beside a good one': { to: [bad('ldap'), GOOD] },
  'a plugin that no rule is about': { to: [bad('other')] },
  'such a plugin, beside a good recipient': { to: [bad('other'), GOOD] },
  'a rule that does not hold after all': { to: [bad('ldap')], subject: 'please leave it' },
  'such a rule, beside a good recipient': { to: [bad('ldap'), GOOD], subject: 'please leave it' },
  'a guard': { to: [bad('ldap')], from: '' },
  'a guard whose fallback rejects': { to: [bad('firm', 'dsn')], from: '' },
  'such a guard, beside a good recipient': { to: [GOOD, bad('firm', 'dsn')], from: '' },
  'a quarantine': { to: [bad('hold')] },
  'a rule that rejects': { to: [bad('tell', 'dsn')] },
  'a rule that rejects in its own words': { to: [bad('word', 'dsn')] },
  'a rule that defers': { to: [bad('slow')] },
  'refusals of two recipients by two plugins': { to: [bad('ldap'), bad('hold'), GOOD] },
  'a whole mail': {
    to: [GOOD, 'other@yours.example'],
    from: whole('scan', 'data_post'),
    subject: 'bounce it',
  },
  'a whole mail that tells of a virus': { to: [GOOD], from: whole('scan', 'data_post', 'coded') },
  'a whole mail that no rule is about': { to: [GOOD], from: whole('scan', 'data_post') },
  'a whole mail at DATA': { to: [GOOD], from: whole('scan', 'data', 'lines'), subject: 'bounce it' },
  'a whole mail at MAIL': { to: [GOOD], from: whole('scan', 'mail', 'dsn'), subject: 'bounce it' },
  'a whole mail at MAIL that no rule is about': { to: [GOOD], from: whole('other', 'mail', 'dsn') },
  'a queue plugin': { to: [GOOD], from: whole('back', 'queue') },
}

describe('explain with a refusal', function () {
  let product: Product
  before(async () => {
    product = await startRefusing({
      above: ['ldap', 'firm', 'hold', 'tell', 'word', 'slow', 'other', 'scan'].map(name => ({ name })),
      below: [{ name: 'back' }],
      rules: RULES,
    })
  })
  after(() => product.stop())

  for (const [what, { to, from = 'someone@origin.example', subject = 'Hello' }] of Object.entries(CASES)) {
    it(`says of ${what} what Haraka does`, async () => {
      const mail = mailFor(product, to, { sender: from, headers: { To: to.join(', '), Subject: subject } })
      const { reply } = await relay(product, { to, mail, from })
      const job = product.jobs({ sesId: mail.sesId })[0]
      const ground = readConfigContext(product.haraka.dir, {}, false)
      assert.ok('value' in ground)
      const explained = await explainWhole(
        mail.data,
        {
          given: {
            from,
            to,
            at: { timeMs: job?.createdAtMs ?? Date.now() },
            refusals: to.map(address => [...refusalOf(address), ...refusalOf(from)]),
          },
          results: new Map(),
          workerThreads: sharedWorkerThreads(),
          nowMs: Date.now(),
        },
        ground.value,
      )
      assert.ok('value' in explained)
      const { answer, decisions } = explained.value
      const stands = answer.kind === 'refuse' && decisions.every(({ rule }) => rule === null)
      // a refusal that goes out itself may have no status
      const replyOf = (text: string) => (stands ? text.replace(/^(\d{3}) \d\.\d+\.\d+ /, '$1 ') : text)
      assert.equal(
        replyOf(said(reply).replace(/^250 .*/, '250')),
        replyOf(answer.kind === 'refuse' ? `${answer.code} ${answer.text}` : '250'),
      )
      const inputs = new Set(
        decisions.flatMap(({ sendBounce }) => (sendBounce ? [JSON.stringify(sendBounce)] : [])),
      )
      const calls = await callsFor(product, mail)
      assert.deepEqual(
        calls.map(({ input }) => sorted(input)).toSorted(),
        [...inputs].map(input => sorted(JSON.parse(input))).toSorted(),
      )
      assert.deepEqual(
        deliveredOf(product, mail).flatMap(delivered => delivered.to),
        answer.kind === 'refuse' ? [] : answer.goesOnTo,
      )
      assert.deepEqual(
        keptOf(product, mail).flatMap(({ record }) => record.held.map(({ recipient }) => recipient)),
        answer.kind === 'commit' ? answer.quarantined : [],
      )
    })
  }
})

/** The refusal that the relay would have heard. */
function refusalOf(address: string): Refusal[] {
  const [by = '', hook = '', form = ''] = address.split('@')[0]?.split('.') ?? []
  const words = Object.entries(WORDS).find(([name]) => name === form)?.[1]
  if (words === undefined) return []
  const codes: Partial<Record<string, string>> = { soft: '450 ', softdsn: '450 ', coded: '', dsn: '552 ' }
  const stage = hook.replace(/_.*/, '')
  const code = codes[form] ?? (hook === 'data' ? '554 ' : '550 ')
  const refusal = parseRefused(`${by} ${stage} ${code}${words}`)
  assert.ok('value' in refusal)
  return [refusal.value]
}

function sorted(input: unknown): string {
  return JSON.stringify(input, (_, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}
