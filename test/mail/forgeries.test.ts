import assert from 'node:assert/strict'
import { verdictsOf } from '../../src/mail/verdicts'
import { domain } from '../units'
import {
  FORGED_ID,
  factsOf,
  headerOf,
  heldBecause,
  LEVELS,
  type Parts,
  RECEIPT,
  SIGNATURE,
} from './proof-support'

/** SES said that SPF failed for the victim, who would get the bounce. */
const VICTIM = 'victim@victim.example'
const FORGED_DATE = 'Thu, 20 Feb 2025 12:38:05 +0000 (UTC)'
const SPF_PASS = `pass (spfCheck: domain of victim.example) client-ip=192.0.2.7; envelope-from=${VICTIM}; helo=mail.evil.example;`
const FORGED_SPF = `Received-SPF: ${SPF_PASS}`
const FORGED_RESULTS = `Authentication-Results: amazonses.com; spf=${SPF_PASS} dkim=pass header.i=@victim.example; dmarc=pass header.from=victim.example;`
const FORGED_RECEIVED = `Received: from mail.victim.example (mail.victim.example [192.0.2.7]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id ${FORGED_ID} for gone@yours.example; ${FORGED_DATE}`
const FORGED_BLOCK = [
  `Return-Path: <${VICTIM}>`,
  FORGED_RECEIVED,
  'X-SES-Spam-Verdict: PASS',
  'X-SES-Virus-Verdict: PASS',
  FORGED_SPF,
  FORGED_RESULTS,
  RECEIPT,
]
const CONTINUED_RECEIVED = `(x [192.0.2.7]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id ${FORGED_ID} for gone@yours.example; ${FORGED_DATE}`
const FROM = [`From: ${VICTIM}`, 'To: gone@yours.example', 'Subject: s']

/** How SES's block comes here. Of none is it closed, but for the first three. */
const FORMS: Record<string, Parts> = {
  'a closed block': {},
  'a closed block with verdicts, flat': { spam: 'PASS', virus: 'PASS', isFlat: true },
  'a block closed by the signature': { closing: [SIGNATURE] },
  'a block that nothing closes': { closing: [] },
  'a flat block that nothing closes': { closing: [], isFlat: true },
  'a block that nothing closes, with a signature': {
    closing: [],
    results: ['dkim=pass header.i=@evil.example;', 'dmarc=pass header.from=evil.example;'],
  },
  'a block without Received-SPF': { closing: [], edit: without('Received-SPF') },
  'a block without Authentication-Results': { closing: [], edit: without('Authentication-Results') },
  'a block without results': { closing: [], edit: without('Received-SPF', 'Authentication-Results') },
  'a block of Mail Manager': { form: 'mail-manager' },
  'a flat block of Mail Manager': { form: 'mail-manager', isFlat: true },
  'a block of Mail Manager without results': {
    form: 'mail-manager',
    edit: without('Received-SPF', 'Authentication-Results'),
  },
}

/** Lines of the sender at the top of the mail. */
const PLACES: Record<string, string[]> = {
  'forged results below': [FORGED_SPF, FORGED_RESULTS],
  'a forged Received-SPF': [FORGED_SPF],
  'forged Authentication-Results': [FORGED_RESULTS],
  'forged results under the name that Haraka gives them': [
    FORGED_SPF,
    FORGED_RESULTS.replace('Auth', 'Original-Auth'),
  ],
  'a whole forged block': FORGED_BLOCK,
  'a first line that begins with a blank': [' dkim=pass header.i=@victim.example;'],
  'a first line that begins with a TAB': [
    '\tdkim=pass header.i=@victim.example; dmarc=pass header.from=victim.example;',
  ],
  'a first line that begins with a bare CR': ['\rdkim=pass header.i=@victim.example;'],
  'a first line that begins with bare CRs and blanks': ['\r \r\tdkim=pass header.i=@victim.example;'],
  'a first line that continues SPF': [` ${SPF_PASS}`],
  'a first line that is a Received by a blank': [` ${CONTINUED_RECEIVED}`],
  'a first line that is a Received by a bare CR': [`\r${CONTINUED_RECEIVED}`],
  'a first line that is a second date': [` ; ${FORGED_DATE}`],
  'an empty line, then a fold': ['\r', ' dkim=pass header.i=@victim.example;'],
  'a NUL, then results': ['\0', FORGED_SPF, FORGED_RESULTS],
  'a line without a colon, then results': ['x', FORGED_SPF, FORGED_RESULTS],
  'results whose name is folded': ['Received-SPF', ` : ${SPF_PASS}`, FORGED_RESULTS.replace(':', '\r\n :')],
  'results in 8-bit': [FORGED_SPF, FORGED_RESULTS.replace('dkim', 'ü\u00a0dkim')],
  'a forged Received alone': [FORGED_RECEIVED],
}

describe('No forged result is believed', () => {
  for (const [form, parts] of Object.entries(FORMS)) {
    for (const [place, own] of Object.entries(PLACES)) {
      it(`in ${form}, with ${place}`, async () => {
        for (const level of LEVELS) {
          const lines = headerOf({ ...parts, own: [...own, ...FROM] })
          assert.ok(await heldBecause(lines, level), level)
          const facts = await factsOf(lines)
          const { receipt } = facts
          const hasResults = headerOf(parts).some(line => /^(?:Received-SPF: | ?.*\bspf=)fail/.test(line))
          assert.equal(verdictsOf(facts).spf, hasResults ? 'fail' : 'none')
          assert.notEqual(receipt?.sesId, FORGED_ID)
          assert.deepEqual(
            [receipt?.authentication.spfDomain, receipt?.authentication.dmarcDomain].filter(
              domain => domain === 'victim.example',
            ),
            [],
          )
          assert.ok(!receipt?.authentication.dkimDomains.includes(domain('victim.example')))
        }
      })
    }
  }
})

const TWO_IDENTITIES = [
  'dkim=pass header.i=a@evil.example header.i=@victim.example;',
  'dkim=pass header.i=@evil.example@victim.example;',
  'dkim=pass header.i="a@evil.example header.i="@victim.example;',
  'dkim=pass header.i=a(@evil.example)@victim.example;',
  'dkim=pass header.i=a,b@evil.example,c@victim.example;',
  'dkim=pass header.d=evil.example header.i=@victim.example;',
  'dkim=pass header.i=<@evil.example> header.i=@victim.example;',
  'dkim=pass header.i=\\@evil.example;@victim.example;',
  'dkim=pass header.i=x; dkim=pass header.i=@victim.example; y@evil.example;',
  'dkim=pass header.i=@victim.example helo=x;',
  'dkim=pass header.i=@victim.example envelope-from=x;',
  'dkim=fail header.i=@victim.example; dmarc=pass header.from=evil.example header.from=victim.example;',
  'dmarc=pass header.from=evil.example; dmarc=pass header.from=victim.example;',
  'spf=pass dkim=pass header.i=@victim.example;',
  'dkim=pass (header.i=@evil.example) header.i=@victim.example odd=1;',
]

/** HELO or name. */
const CLIENTS = [
  'x; dkim=pass header.i=@victim.example;',
  'x;dkim=pass header.i=@victim.example;dmarc=pass header.from=victim.example',
  `x (y [192.0.2.7]) ${CONTINUED_RECEIVED}`,
  'x (y [192.0.2.7])',
  '(((',
  '"',
  'x\\',
  "joe's-pc",
  'mail/origin',
  'x\0',
  'ü.example',
  'a b',
]

const SENDERS: [what: string, parts: Parts][] = [
  [
    'a quoted sender that stands unquoted in the results',
    {
      sender: '"x; dkim=pass header.i=@victim.example; y"@victim.example',
      envelopeFrom: 'x; dkim=pass header.i=@victim.example; y@victim.example',
    },
  ],
  [
    'a quoted sender with results of its own, unquoted',
    {
      sender:
        '"a@victim.example; helo=h; dkim=pass header.i=@victim.example; dkim=pass header.i=b"@victim.example',
      envelopeFrom:
        'a@victim.example; helo=mail.evil.example; dkim=pass header.i=@victim.example; dkim=pass header.i=b@victim.example',
    },
  ],
  [
    'a quoted sender whose quotes end early',
    { sender: '"\\"; dkim=pass header.i=@victim.example; \\""@victim.example' },
  ],
  [
    'an envelope-from of somebody else',
    { spf: 'pass', envelopeFrom: 'victim@evil.example', results: ['dkim=pass header.i=@victim.example;'] },
  ],
  ['an envelope-from with another local part', { spf: 'pass', envelopeFrom: 'other@victim.example' }],
  [
    "a comment of SPF's that the sender closes",
    { comment: 'domain of ); dkim=pass header.i=@victim.example; ( says so' },
  ],
  [
    "a comment of SPF's that the sender closes, and goes on",
    {
      comment: `domain of ) client-ip=192.0.2.7; envelope-from=${VICTIM}; helo=mail.evil.example; dkim=pass header.i=@victim.example; (`,
    },
  ],
  [
    'results of another client',
    {
      spf: 'pass',
      edit: fields => fields.map(field => field.replaceAll('client-ip=192.0.2.7', 'client-ip=192.0.2.8')),
    },
  ],
  [
    'Received-SPF that says pass where Authentication-Results say fail',
    { edit: fields => fields.map(field => field.replace(/^Received-SPF: fail/, 'Received-SPF: pass')) },
  ],
  [
    'Authentication-Results that say pass where Received-SPF says fail',
    { edit: fields => fields.map(field => field.replace('spf=fail', 'spf=pass')) },
  ],
  [
    'a signature of the provider, replayed',
    {
      results: ['dkim=pass header.i=@victim.example;', 'dmarc=pass header.from=victim.example;'],
      own: ['From: attacker@victim.example'],
    },
  ],
  [
    'a signature of the provider, replayed, with two From fields',
    {
      results: ['dkim=pass header.i=@victim.example;'],
      own: [`From: ${VICTIM}`, 'From: attacker@victim.example'],
    },
  ],
  [
    'a signature of the provider, replayed, with two mailboxes in From',
    { results: ['dkim=pass header.i=@victim.example;'], own: [`From: ${VICTIM}, attacker@victim.example`] },
  ],
  [
    'a signature of the provider, replayed, with an odd From',
    { results: ['dkim=pass header.i=@victim.example;'], own: [`From: attacker@victim.example <${VICTIM}>`] },
  ],
  [
    'a signature of the provider, replayed, with a From that Haraka breaks',
    {
      results: ['dkim=pass header.i=@victim.example;'],
      own: [`From: ${'n'.repeat(975)} <x${VICTIM}>`, 'To: a@yours.example'],
    },
  ],
  [
    'a pass for a subdomain only by SPF',
    { sender: VICTIM, spf: 'fail', comment: 'domain of mail.victim.example' },
  ],
  [
    'a second X-SES-RECEIPT',
    {
      closing: [],
      own: [' dkim=pass header.i=@victim.example;', RECEIPT, 'X: y', RECEIPT, ...FROM],
    },
  ],
  [
    'a second signature of SES',
    { closing: [], own: [' dkim=pass header.i=@victim.example;', SIGNATURE, SIGNATURE, ...FROM] },
  ],
  [
    "the sender's X-SES-RECEIPT behind SES's signature",
    { closing: [SIGNATURE], results: ['dkim=pass header.i=@victim.example;'], own: [RECEIPT, ...FROM] },
  ],
  [
    'results in another order',
    {
      spf: 'pass',
      edit: ([path = '', received = '', spf = '', results = '', ...closing]) => [
        path,
        received,
        results,
        spf,
        ...closing,
      ],
    },
  ],
  ["a hop's field among the results", { spf: 'pass', edit: fields => fields.toSpliced(3, 0, 'X-Hop: y') }],
  [
    'a verdict twice',
    { spf: 'pass', spam: 'PASS', edit: fields => fields.toSpliced(2, 0, 'X-SES-Spam-Verdict: PASS') },
  ],
  [
    'another Return-Path than directly above',
    { spf: 'pass', edit: fields => fields.toSpliced(1, 0, 'X-Hop: y') },
  ],
]

describe('Results that can be read in two ways prove nothing', () => {
  for (const form of ['classic', 'mail-manager'] as const) {
    for (const result of TWO_IDENTITIES) {
      it(`${result} (${form})`, () => assertHeld({ form, results: [result] }))
    }
    for (const client of CLIENTS) {
      it(`a HELO ${JSON.stringify(client)} (${form})`, async () => {
        const results = ['dkim=pass header.i=@evil.example;']
        await assertHeld({ form, results, helo: client, name: 'mail.evil.example' })
        await assertHeld({ form, results, helo: 'mail.evil.example', name: client })
        await assertHeld({ form, results: ['dkim=pass header.i=@victim.example;'], helo: client })
      })
    }
  }
  for (const [what, parts] of SENDERS) it(what, () => assertHeld(parts))

  it('a Received line of a host that SES is not known to have is none, nor is the next one', async () => {
    for (const host of [
      'x.mail-manager-smtp.eu-west-1.amazonaws.com',
      'mail-manager-smtp.eu-west-1.amazonaws.com',
      'inbound-smtp-fips.eu-west-1.amazonaws.com',
      'ipv6.inbound-smtp.eu-west-1.amazonaws.com',
      'inbound-smtp.eu-west-1.api.aws',
    ]) {
      const edit = (fields: string[]) =>
        fields.map(field => field.replace('inbound-smtp.eu-west-1.amazonaws.com', host))
      for (const closing of [[], [RECEIPT, SIGNATURE]]) {
        const lines = headerOf({ closing, edit, own: [...FORGED_BLOCK, ...FROM] })
        for (const level of LEVELS) assert.equal(await heldBecause(lines, level), 'no receipt', host)
        assert.equal(verdictsOf(await factsOf(lines)).spf, 'fail', host)
      }
    }
  })

  it('a Received line so long that Haraka breaks it within the host of SES is none, nor is the next one', async () => {
    for (let length = 880; length < 1010; length++) {
      const lines = headerOf({
        isFlat: true,
        helo: 'h'.repeat(length),
        name: 'x',
        own: [...FORGED_BLOCK, ...FROM],
      })
      for (const level of LEVELS) assert.ok(await heldBecause(lines, level), String(length))
      assert.notEqual((await factsOf(lines)).receipt?.sesId, FORGED_ID, String(length))
    }
  })
})

async function assertHeld(parts: Parts): Promise<void> {
  for (const level of LEVELS) assert.ok(await heldBecause(headerOf({ own: FROM, ...parts }), level), level)
}

function without(...names: string[]): (fields: string[]) => string[] {
  return fields => fields.filter(field => !names.some(name => field.startsWith(`${name}:`)))
}
