import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  addressKey,
  asciiAddress,
  asciiDomain,
  domainOf,
  isSubdomainOrSame,
  organisationalDomain,
  parseAddress,
  plainKey,
} from '../../src/mail/address'
import { Subject } from '../../src/policy/subject'
import { domain } from '../units'

describe('addresses', () => {
  it('are split at the last @ outside quotes and literals', () => {
    const table: [string, string | undefined, string?][] = [
      ['a@b.example', 'a', 'b.example'],
      [' <a@b.example> ', 'a', 'b.example'],
      ['"a@c.example"@b.example', '"a@c.example"', 'b.example'],
      ['"a\\"@c"@b.example', '"a\\"@c"', 'b.example'],
      ['a@c.example@b.example', 'a@c.example', 'b.example'],
      ['a@[192.0.2.1]', 'a', '[192.0.2.1]'],
      ['a@[x@b.example]', 'a', '[x@b.example]'],
      ['"a b"@b.example', '"a b"', 'b.example'],
      ['a b@b.example', undefined],
      ['"a@b.example', undefined],
      ['a@"b.example"', undefined],
      ['a@', undefined],
      ['@b.example', undefined],
      ['<>', undefined],
      ['', undefined],
      ['<a@b.example', undefined],
      ['a\r\n@b.example', undefined],
      ['a@b.example, c@d.example', undefined],
    ]
    for (const [text, local, domain] of table) {
      const expected = local === undefined ? undefined : { local, domain }
      assert.deepEqual(parseAddress(text), expected, text)
    }
  })

  it('have one key for all ways to write a mailbox', () => {
    const same = [
      [
        'a.b@bücher.example',
        '"a.b"@xn--bcher-kva.example',
        '<A.B@BÜCHER.Example>',
        '"\\a.b"@bücher.example.',
      ],
      ['"a b"@x.example', '"a\\ b"@X.example'],
      ['not an address', ' NOT an address'],
    ]
    for (const [first = '', ...others] of same) {
      for (const other of others) assert.equal(addressKey(other), addressKey(first))
    }
    const keys = ['a@x.example', 'a@y.example', 'b@x.example', 'a.b@x.example', '"a@x.example"@y.example', '']
    assert.equal(new Set(keys.map(addressKey)).size, keys.length)
  })

  it('give SES printable ASCII in one piece, or nothing', () => {
    const table: [string, string | undefined][] = [
      ['A.b+c@Bücher.Example', 'A.b+c@xn--bcher-kva.example'],
      ['<a@[192.0.2.1]>', 'a@[192.0.2.1]'],
      ['"a b"@x.example', '"a b"@x.example'],
      ['"a\\"b"@x.example', '"a\\"b"@x.example'],
      ['a..b.@x.example', 'a..b.@x.example'],
      ['é@x.example', undefined],
      ['"é"@x.example', undefined],
      ['a@b@x.example', undefined],
      ['a,b@x.example', undefined],
      ['a;b@x.example', undefined],
      ['"a"b"c"@x.example', undefined],
      ['"a\tb"@x.example', undefined],
      ['a', undefined],
      ['a@ex%61mple.com', undefined],
      ['a@b..example', undefined],
    ]
    for (const [text, expected] of table) assert.equal(asciiAddress(text), expected, text)
  })

  it('never fail, and only ever give SES printable ASCII', () => {
    const piece = fc.constantFrom('"', '\\', '@', '[', ']', '<', '>', ' ', '.', 'a', 'é', '\0', '\n', '％')
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: piece }))
    const property = fc.property(text, value => {
      const ascii = asciiAddress(value)
      if (ascii !== undefined) {
        assert.match(ascii, /^[ -~]+@[!-~]+$/)
        assert.equal(addressKey(ascii), addressKey(value))
      }
      assert.equal(typeof addressKey(value), 'string')
    })
    fc.assert(property, { numRuns: 2000, seed: 1 })
  })

  it('have the same forms whether they are read as plain ones or with quotes', () => {
    const from = (characters: string, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...Array.from(characters)), minLength: 1, maxLength })
    const local = from("aZ09!#$%&'*+-/=?^_`{|}~.", 12)
    const host = fc.array(from('aZ09-_', 6), { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'))
    const property = fc.property(local, host, (name, at) => {
      const [plain, quoted] = [`${name}@${at}`, `"${name}"@${at}`]
      assert.equal(plainKey(plain), addressKey(quoted))
      assert.equal(plainKey(quoted), undefined)
      assert.deepEqual(new Subject(plain).address, new Subject(quoted).address)
      assert.equal(domainOf(plain), domainOf(quoted))
    })
    fc.assert(property, {
      numRuns: 1000,
      examples: [
        ['A+b', 'X.example'],
        ['.', '-'],
        ['a', '192.0.2.1'],
      ],
    })
  })

  it('are read in linear time', () => {
    const size = 500_000
    for (const text of ['"\\', '@', '"', '@[', '\\"', ' ']) {
      asciiAddress(`"${text.repeat(size)}"@x.example`)
      addressKey(`${text.repeat(size)}"@x.example`)
    }
  })
})

describe('domains', () => {
  it('are A-labels in lower case', () => {
    assert.equal(domainOf('a@Faß.DE.'), 'xn--fa-hia.de')
    assert.equal(domainOf('a'), undefined)
    assert.equal(asciiDomain('_x.Example'), '_x.example')
    assert.equal(asciiDomain('[IPv6:2001:DB8::1]'), '[ipv6:2001:db8::1]')
    for (const text of ['', '.', 'a b', 'a/b', 'é%61.example', '１.２', `${'a'.repeat(256)}.example`]) {
      assert.equal(asciiDomain(text), undefined, text)
    }
  })

  it('know their subdomains', () => {
    assert.ok(isSubdomainOrSame(domain('b.example'), domain('b.example')))
    assert.ok(isSubdomainOrSame(domain('a.b.example'), domain('b.example')))
    assert.ok(!isSubdomainOrSame(domain('ab.example'), domain('b.example')))
    assert.ok(!isSubdomainOrSame(domain('b.example'), domain('a.b.example')))
    assert.ok(!isSubdomainOrSame(domain('b.example'), domain('')))
  })

  it('know the organisation that they belong to', () => {
    const table = [
      ['a.b.example.com', 'example.com'],
      ['a.example.co.uk', 'example.co.uk'],
      ['co.uk', 'co.uk'],
      ['one.github.io', 'one.github.io'],
      ['github.io', 'github.io'],
      ['_dmarc.example.com', 'example.com'],
      ['localhost', 'localhost'],
      ['[192.0.2.1]', '[192.0.2.1]'],
      ['192.0.2.1', '192.0.2.1'],
    ]
    for (const [text = '', expected] of table) assert.equal(organisationalDomain(domain(text)), expected)
  })

  it('have the same forms whether they are plain, or need a closer look', () => {
    const part = fc.string({
      unit: fc.constantFrom('a', 'Z', '0', '.', '-', '_', '+', '=', '"', ' ', 'ü', '@', '['),
      maxLength: 6,
    })
    fc.assert(
      fc.property(part, part, (local, domain) => {
        const text = `${local}@${domain}`
        // brackets make it no plain one
        assert.equal(addressKey(text), addressKey(`<${text}>`))
        assert.equal(domainOf(text), domainOf(`<${text}>`))
      }),
      { numRuns: 3000 },
    )
  })
})
