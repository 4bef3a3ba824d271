import assert from 'node:assert/strict'
import fc from 'fast-check'
import { propertyRuns } from '../property-runs'
import {
  factsOf,
  headerOf,
  heldBecause,
  LEVELS,
  type Parts,
  RECEIPT,
  SES_ID,
  SIGNATURE,
} from './proof-support'

const JOE = 'joe@origin.example'
const FROM = [`From: Joe <${JOE}>`]
const NOT = 'sender not authenticated'
const DKIM = 'dkim=pass header.i=@origin.example;'

/** The reasons why it isn't bounced, at `aligned` and at `strict`. */
async function held(parts: Parts): Promise<(string | undefined)[]> {
  const lines = headerOf({ sender: JOE, own: FROM, ...parts })
  return Promise.all(LEVELS.map(level => heldBecause(lines, level)))
}

describe('A closed block of SES', () => {
  it('proves the sender by SPF at aligned, and by DKIM or DMARC at both levels', async () => {
    for (const form of ['classic', 'mail-manager'] as const) {
      for (const isFlat of [true, false]) {
        const base = { form, isFlat }
        assert.deepEqual(await held({ ...base, spf: 'pass' }), [undefined, NOT])
        assert.deepEqual(await held({ ...base, results: [DKIM] }), [undefined, undefined])
        assert.deepEqual(await held({ ...base, results: ['dmarc=pass header.from=origin.example;'] }), [
          undefined,
          undefined,
        ])
        assert.deepEqual(await held(base), [NOT, NOT])
        assert.deepEqual(await held({ ...base, spf: 'pass', results: [DKIM], own: [] }), [
          undefined,
          undefined,
        ])
      }
    }
  })

  it('may be closed by the receipt, with or without a signature behind it, or by the signature alone', async () => {
    for (const closing of [[RECEIPT], [SIGNATURE], [RECEIPT, SIGNATURE]]) {
      assert.deepEqual(await held({ results: [DKIM], closing }), [undefined, undefined])
    }
  })

  it('may hold its results under the name that Haraka gives them', async () => {
    const edit = (fields: string[]) =>
      fields.map(field => field.replace(/^Authentication/, 'Original-Authentication'))
    assert.deepEqual(await held({ results: [DKIM], edit }), [undefined, undefined])
  })

  it('may name the client in another writing of its address', async () => {
    const edit = (fields: string[]) =>
      fields.map(field => field.replaceAll('=2001:db8::1', '=2001:DB8:0:0::1'))
    assert.deepEqual(await held({ results: [DKIM], ip: '2001:db8::1', edit }), [undefined, undefined])
  })

  it('proves any address that SES accepted, with dots, quotes or umlauts in it', async () => {
    for (const sender of [
      'foo..bar@origin.example',
      '.foo.@origin.example',
      '"a b"@origin.example',
      'jörg@origin.example',
    ]) {
      assert.deepEqual(await held({ sender, spf: 'pass' }), [undefined, NOT], sender)
      const own = [`From: <${sender}>`]
      assert.deepEqual(await held({ sender, results: [DKIM], own }), [undefined, undefined], sender)
    }
  })

  it('loses only the result whose property is not known', async () => {
    const results = [DKIM, 'dmarc=none properties.from=origin.example;']
    assert.deepEqual(await held({ results }), [undefined, undefined])
    assert.deepEqual(await held({ results: ['dkim=pass header.i=@origin.example odd.x=y;'] }), [NOT, NOT])
  })

  it('says why it proves nothing', async () => {
    const why = async (parts: Parts) => (await held({ spf: 'pass', ...parts }))[0]
    assert.equal(await why({ closing: [] }), `${NOT}: SES's results aren't closed by X-SES-RECEIPT`)
    assert.equal(
      await why({ own: [RECEIPT, ...FROM] }),
      `${NOT}: X-SES-RECEIPT or X-SES-DKIM-SIGNATURE is in the header twice`,
    )
    assert.equal(
      await why({ form: 'mail-manager', edit: fields => fields.toSpliced(2, 0, 'X-Hop: y') }),
      `${NOT}: SES's results aren't directly above its Received line`,
    )
    assert.equal(await why({ helo: "joe's-pc" }), `${NOT}: the client's HELO or name isn't a host name`)
    assert.equal(await why({ comment: ')' }), `${NOT}: SES's results can't be read in one way only`)
    const other = (fields: string[]) =>
      fields.map(field => field.replaceAll('client-ip=192.0.2.7', 'client-ip=192.0.2.8'))
    assert.equal(
      await why({ edit: other }),
      `${NOT}: SES's results name another client than its Received line`,
    )
    assert.equal(
      await why({ envelopeFrom: 'x@origin.example' }),
      `${NOT}: SES's results name another sender than its Return-Path`,
    )
    assert.equal(
      (await held({ results: [DKIM], own: ['From: jim@origin.example'] }))[1],
      `${NOT}: SPF didn't pass for it, and From isn't the same address`,
    )
  })

  it("proves the same after Haraka's line break, where that falls outside of SES's results", async () => {
    const closing = [`X-SES-RECEIPT: ${'A'.repeat(2000)}`]
    assert.deepEqual(await held({ results: [DKIM], closing }), [undefined, undefined])
  })

  it("proves nothing where Haraka's line break may have changed its results", async () => {
    const many = Array.from({ length: 30 }, (_, n) => `dkim=pass header.i=@s${n}.example;`)
    for (let shift = 0; shift < 40; shift++) {
      const helo = 'h'.repeat(10 + shift)
      const facts = await factsOf(headerOf({ sender: JOE, isFlat: true, helo, results: many }))
      for (const domain of facts.receipt?.authentication.dkimDomains ?? [])
        assert.match(domain, /^s\d+\.example$/)
    }
  })
})

describe('What the sender wrote', () => {
  const pieces = [
    'dkim=pass header.i=@victim.example;',
    ' dkim=pass header.i=@victim.example;',
    '\tspf=pass',
    '\r',
    '\0',
    '\n',
    '"',
    '(',
    ')',
    ';',
    '\\',
    ' ',
    'Received-SPF: pass (x) client-ip=192.0.2.7; envelope-from=joe@victim.example; helo=h;',
    'Authentication-Results: amazonses.com; dkim=pass header.i=@victim.example;',
    'Received: from h (h [192.0.2.7]) by inbound-smtp.eu-west-1.amazonaws.com with SMTP id x',
    '; Thu, 20 Feb 2025 12:38:04 +0000 (UTC)',
    'Return-Path: <victim@victim.example>',
    'X-SES-Spam-Verdict: PASS',
    'From: joe@victim.example',
    'a',
    'é',
    'x'.repeat(985),
  ]
  const text = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map(parts => parts.join(''))
  const proved = async (parts: Parts) => {
    const { receipt } = await factsOf(headerOf(parts))
    const { spfDomain, dkimDomains = [], dmarcDomain } = receipt?.authentication ?? {}
    return { id: receipt?.sesId, domains: [spfDomain, ...dkimDomains, dmarcDomain] }
  }
  const blocks = (
    [
      { closing: [] },
      { closing: [RECEIPT] },
      { closing: [RECEIPT, SIGNATURE] },
      { closing: [SIGNATURE] },
      { closing: [], edit: fields => fields.slice(0, 2) },
      { closing: [], edit: fields => fields.slice(0, 3) },
      { form: 'mail-manager' },
      { form: 'mail-manager', edit: fields => fields.slice(2) },
    ] satisfies Parts[]
  ).map((block): Parts => ({ ...block, sender: JOE, spf: 'pass', results: [DKIM] }))

  it('below the block never changes the domains that it proves, nor the id but to none', async () => {
    const property = fc.asyncProperty(fc.constantFrom(...blocks), text, async (block, own) => {
      const without = await proved({ ...block, own: ['Subject: s'] })
      const { id, domains } = await proved({ ...block, own: own.split('\n') })
      // Mail Manager's last field is its Received: continued, it is none
      if (id === undefined) return
      assert.equal(id, SES_ID)
      assert.deepEqual(domains, without.domains)
    })
    await fc.assert(property, { numRuns: propertyRuns(500) })
  })

  it('as HELO, name of the client, or local part never proves another domain', async () => {
    const where = fc.constantFrom<keyof Parts>('helo', 'name', 'comment', 'sender', 'envelopeFrom')
    const property = fc.asyncProperty(
      fc.constantFrom(...blocks),
      where,
      text,
      async (block, key, written) => {
        const line = written.replaceAll(/[\r\n]/g, '')
        const value = key === 'sender' || key === 'envelopeFrom' ? `${line}@origin.example` : line
        const { domains } = await proved({ ...block, [key]: value, own: FROM })
        for (const domain of domains) if (domain !== undefined) assert.equal(domain, 'origin.example')
      },
    )
    await fc.assert(property, { numRuns: propertyRuns(500) })
  })
})
