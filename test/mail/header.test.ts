import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readHeader, warmUp } from '../../src/mail/header'

describe('the header', () => {
  before(warmUp)

  it("holds every field in order, without Haraka's own", async () => {
    const lines = ['Received: from a\n', ' by haraka\n', 'B: 1\n', 'A: 2\n', '\tfolded\n', 'b : 3\n', 'A:\n']
    const fields = [
      { name: 'b', raw: '1' },
      { name: 'a', raw: '2\tfolded' },
      { name: 'b', raw: '3' },
      { name: 'a', raw: '' },
    ]
    assert.deepEqual((await readHeader(lines, 1)).fields, fields)
    const whole = await readHeader(lines, 0)
    assert.deepEqual(whole.fields, [{ name: 'received', raw: 'from a by haraka' }, ...fields])
  })

  it('has no name for a line that opens no field', async () => {
    const lines = ['no colon\n', 'with blank: x\n', 'Received\n', ' : by x\n', '\0: x\n', ': x\n', 'last: x']
    const { fields } = await readHeader(lines, 0)
    assert.deepEqual(
      fields.map(field => field.name),
      ['', '', 'received', '', '', 'last'],
    )
  })

  it("reads a first line as a field, not as an mbox's or a request's", async () => {
    assert.deepEqual((await readHeader(['From : a@b.example\n'], 0)).fields, [
      { name: 'from', raw: 'a@b.example' },
    ])
    assert.equal((await readHeader(['POST / HTTP\n', 'A: 1\n'], 0)).fields[1]?.name, 'a')
  })

  it('drops a continuation that continues nothing, and goes on behind an empty line', async () => {
    const { fields } = await readHeader([' a: x\n', 'B: 1\n', '\r\n', '\n', ' 2\n', 'C: 3\n'], 0)
    assert.deepEqual(fields, [
      { name: 'b', raw: '1 2' },
      { name: 'c', raw: '3' },
    ])
  })

  it('decodes encoded words, and leaves broken ones', async () => {
    const lines = [
      'Subject: =?utf-8?q?caf=C3=A9?= =?utf-8?b?w6k=?=\n',
      'SUBJECT: =?utf-8?x?a?= =?nope?q?a?= =?utf-8?q?\n',
    ]
    const { facts } = await readHeader(lines, 0)
    assert.deepEqual(facts.values('Subject'), ['caféé', '=?utf-8?x?a?= a =?utf-8?q?'])
    assert.deepEqual(facts.values('none'), [])
  })

  it('decodes words in charsets of seven bits that few libraries know', async () => {
    const written = {
      '=?utf-7?Q?+AGcAaQBm-t?= =?UTF-7?q?_card?=': 'gift card',
      '=?iso-2022-kr?B?GyQpQw5HUTE5Dw==?=': '한국',
      'ü =?hz-gb-2312?Q?~{VP9z~}?= x': 'ü 中国 x',
      '=?iso-2022-cn?B?GyQpQQ5WUDl6Dw==?=': '中国',
    }
    for (const [subject, text] of Object.entries(written)) {
      const { facts } = await readHeader([`Subject: ${subject}\n`], 0)
      assert.deepEqual(facts.values('subject'), [text])
    }
  })

  it('reads UTF-8 also if Haraka decodes bytes as characters', async () => {
    const lines = ['A: caf\u00c3\u00a9\n', 'A: café\n', 'A: \u2603\n', 'A: \u00ff\n']
    assert.deepEqual((await readHeader(lines, 0)).facts.values('a'), ['café', 'café', '\u2603', '\u00ff'])
  })

  it('reads members of groups, keeps quotes, and finds no address in an encoded name', async () => {
    const lines = [
      'To: A <a@x.example>, "b, c" <d@x.example>\n',
      'to: g: e@x.example, "f g"@x.example;, nobody, =?utf-8?q?h=40x.example?= <i@x.example>\n',
    ]
    const { facts } = await readHeader(lines, 0)
    const expected = ['a@x.example', 'd@x.example', 'e@x.example', '"f g"@x.example', 'i@x.example']
    assert.deepEqual(facts.addresses('TO'), expected)
    assert.equal(facts.addresses('to'), facts.addresses('To'))
  })

  it('reports an address field that was not read completely, and returns no address that may have lost its end', async () => {
    const many = Array.from(
      { length: 999 },
      (_, i) => ` ${'user@host.example, '.repeat(50)}a${i}@b.example,\n`,
    )
    const lines = ['From: a@b.example\n', 'To: z@b.example,\n', ...many, 'Cc: c@d.example\n', 'Bcc: nobody\n']
    const { facts } = await readHeader(lines, 0)
    assert.ok(facts.addressesAreCut('To'))
    assert.ok(facts.addressesAreCut('cc'), 'what stands below a field that is too long is not read either')
    assert.ok(!facts.addressesAreCut('from'))
    assert.ok(!facts.addressesAreCut('bcc'), 'there is no address to read in it')
    assert.ok(!facts.addressesAreCut('reply-to'))
    assert.deepEqual(facts.addresses('from'), ['a@b.example'])
    const known = new Set(['z@b.example', 'user@host.example', ...many.map((_, i) => `a${i}@b.example`)])
    assert.deepEqual(
      facts.addresses('to').filter(address => !known.has(address)),
      [],
    )
  })

  it('has every address of 3,000 recipients, and of the fields below them', async () => {
    const recipients = Array.from({ length: 3000 }, (_, i) => `recipient${i}@host${i % 7}.example`)
    const { facts } = await readHeader(
      [`Cc: ${recipients.join(',\n ')}\n`, 'To: last@yours.example\n'].flatMap(physical),
      0,
    )
    assert.deepEqual(facts.addresses('cc'), recipients)
    assert.deepEqual(facts.addresses('to'), ['last@yours.example'])
    assert.ok(!facts.addressesAreCut('cc') && !facts.addressesAreCut('to'))
  })

  it('has every address behind 1 MB of names without one', async () => {
    const names = Array.from({ length: 990 }, () => ` ${'a,'.repeat(490)}\n`)
    const lines = ['To: z@b.example,\n', ...names, ' y@b.example\n', 'Cc: x@b.example\n']
    const { facts } = await readHeader(lines, 0)
    assert.deepEqual(facts.addresses('to'), ['z@b.example', 'y@b.example'])
    assert.deepEqual(facts.addresses('cc'), ['x@b.example'])
    assert.ok(!facts.addressesAreCut('to') && !facts.addressesAreCut('cc'))
  })

  it('reads no mailbox of more than 1,000 characters in a long header, and says so', async () => {
    const long = Array.from({ length: 90 }, () => ` ${'x'.repeat(980)}\n`)
    const { facts } = await readHeader(['To: a@b.example, x\n', ...long, ' <c@d.example>, e@f.example\n'], 0)
    assert.deepEqual(facts.addresses('to'), ['a@b.example', 'e@f.example'])
    assert.ok(facts.addressesAreCut('to'))
  })

  it('has the address in which Haraka may have broken a line, and that of a fold at the same place', async () => {
    for (const [size, others] of [
      [990, 'a@b.example, '],
      [75_000, 'somebody@b.example,\n '],
    ] as const) {
      const text = `To: ${others.repeat(Math.floor((size - 990) / others.length))}`
      const last = text.split('\n').at(-1) ?? ''
      const before = `${last}${'x'.repeat(990 - last.length - '@y.example, anna@exam'.length)}@y.example, anna@exam`
      assert.equal(before.length, 990)
      const lines = [...text.split('\n').slice(0, -1), before, ' ple.com, bob@c.example'].map(
        line => `${line}\n`,
      )
      const { facts } = await readHeader(lines, 0)
      for (const address of ['anna@example.com', 'bob@c.example'])
        assert.ok(
          facts.addresses('to').includes(address),
          `${size}: ${facts.addresses('to').slice(-3).join()}`,
        )
      assert.equal(facts.addressesAreCut('to'), false)
    }
    // a genuine fold that stands just there
    const fold = `To: ${'x'.repeat(990 - 'To: @y.example,'.length)}@y.example,`
    const { facts } = await readHeader([`${fold}\n`, ' bob@c.example\n'], 0)
    assert.ok(facts.addresses('to').includes('bob@c.example'))
  })

  it('says in which field it has not decoded encoded words, as there are too many', async () => {
    const many = Array.from({ length: 200 }, () => ` ${'=?utf-8?q?a?= '.repeat(70)}\n`)
    const { facts } = await readHeader(['From: =?utf-8?q?a?=\n', 'Subject: x\n', ...many, 'X: y\n'], 0)
    assert.ok(facts.valuesAreCut('Subject'))
    assert.match(facts.values('subject')[0] ?? '', /=\?utf-8\?q\?a\?=$/)
    assert.ok(!facts.valuesAreCut('from'))
    assert.ok(!facts.valuesAreCut('x'), 'nothing in it needs decoding')
    assert.ok(!facts.valuesAreCut('none'))
  })

  it('is read whole at 1 MB, with address fields cut', async () => {
    const long = 'a@b.example, '.repeat(80)
    const many = Array.from({ length: 1000 }, (_, i) => `X-${i}: ${long}\n`)
    assert.equal((await readHeader(many, 0)).fields.length, 1000)
    const folded = ['To: z@b.example,\n', ...Array.from({ length: 999 }, () => ` ${long}\n`)]
    const { fields, facts } = await readHeader(folded, 0)
    assert.equal(fields.length, 1)
    assert.ok(facts.addresses('to').length > 4000)
    assert.ok(facts.addresses('to').length < 5000)
    const same = await readHeader(
      Array.from({ length: 1000 }, () => `To: ${long}\n`),
      0,
    )
    assert.ok(same.facts.addresses('to').length < 5000, 'the limit is one for all fields')
  })

  it('is divided into the same fields below the beginning that mailparser reads', async () => {
    const property = fc.asyncProperty(hostileLines(), async lines => {
      const own = ['First: 1\n', ...lines]
      const { fields } = await readHeader(own, 0)
      const padded = await readHeader([`Pad: ${'x'.repeat(40_000)}\n`, ...own], 0)
      assert.deepEqual(padded.fields.slice(1), fields)
    })
    await fc.assert(property, { numRuns: 500, seed: 2 })
  })

  it('is read to its end whatever it holds', async () => {
    const property = fc.asyncProperty(hostileLines(), async lines => {
      const { fields, facts } = await readHeader([...lines, 'Last: 1\n'], 0)
      assert.deepEqual(fields.at(-1), { name: 'last', raw: '1' })
      for (const name of ['to', 'content-type', 'list-id', '']) {
        facts.addresses(name)
        facts.values(name)
      }
    })
    await fc.assert(property, { numRuns: 500, seed: 1 })
  })
})

function physical(field: string): string[] {
  return field.split(/(?<=\n)/)
}

function hostileLines(): fc.Arbitrary<string[]> {
  const start = fc.constantFrom(
    'Content-Type: ',
    'To: ',
    'DKIM-Signature: ',
    'List-Id: ',
    'Date: ',
    'References: ',
    ' ',
    '\t',
    '',
  )
  const piece = fc.constantFrom(
    ';',
    '=',
    '"',
    '\\',
    '<',
    '(',
    '*0*=',
    '=?utf-8?q?',
    '?=',
    'multipart/mixed; boundary=',
    '\0',
    '\r',
    'é',
  )
  const rest = fc.oneof(fc.string({ unit: piece }), fc.string({ unit: 'binary' }))
  const line = fc.tuple(start, rest).map(([name, text]) => `${name}${text}\n`)
  return fc.array(line)
}
