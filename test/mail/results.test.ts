import assert from 'node:assert/strict'
import fc from 'fast-check'
import { provedBy } from '../../src/mail/authentication'
import { readAuthenticationResults, readReceivedSpf } from '../../src/mail/results'

const COMMENT = '(spfCheck: domain of x.example designates 192.0.2.1 as permitted sender)'
const SPF = `${COMMENT} client-ip=192.0.2.1;`
const FROM = 'envelope-from=a@x.example; helo=h.x.example;'
const RESULT = { word: 'pass', clientIp: '192.0.2.1', envelopeFrom: 'a@x.example', helo: 'h.x.example' }

describe("SES's Received-SPF", () => {
  it('names the result, the client and the address that it is about', () => {
    assert.deepEqual(readReceivedSpf(`Pass ${SPF} ${FROM}`), RESULT)
    assert.deepEqual(readReceivedSpf(`pass ${SPF} ${FROM.slice(0, -1)}`), RESULT)
    assert.deepEqual(readReceivedSpf(`pass client-ip=192.0.2.1; ${FROM}`), RESULT)
    for (const envelopeFrom of [
      '"x; dkim=pass header.i=@victim.example"@evil.example',
      'foo..bar@x.example',
      '.foo.@x.example',
      "o'neil+{a}|b=c@x.example",
      'jörg@bücher.example',
    ]) {
      const value = `pass ${SPF} envelope-from=${envelopeFrom}; helo=[192.0.2.1];`
      assert.deepEqual(readReceivedSpf(value), { ...RESULT, envelopeFrom, helo: '[192.0.2.1]' })
    }
  })

  it('says nothing where it could be read in two ways', () => {
    const values = [
      '',
      ';',
      'none',
      `pa"ss" ${SPF} ${FROM}`,
      `pass (unclosed ${FROM}`,
      `pass ) ${FROM}`,
      `pass (a (b)) client-ip=192.0.2.1; ${FROM}`,
      `pass (a) (b) client-ip=192.0.2.1; ${FROM}`,
      `pass ${COMMENT} x=y client-ip=192.0.2.1; ${FROM}`,
      `pass ${SPF} envelope-from="a@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a b@x.example@y.example; envelope-from=c@z.example;`,
      `pass ${SPF} envelope-from=a(b)c@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a"b"c@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a,b@x.example; helo=h;`,
      `pass ${SPF} envelope-from="a"@y.example"@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a@x.example@y.example; helo=h;`,
      `pass ${SPF} envelope-from=a@x.example; helo=h; helo=i;`,
      `pass ${SPF} envelope-from=a@x.example; helo=a b;`,
      `pass ${SPF} envelope-from=a@x.example; helo=h; dkim=pass header.i=@victim.example;`,
      `pass ${SPF} envelope-from=a@x.example; client-ip=192.0.2.2; helo=h;`,
    ]
    for (const value of values) assert.equal(readReceivedSpf(value), undefined, value)
  })
})

describe("SES's Authentication-Results", () => {
  const dkimOf = (text: string) =>
    readAuthenticationResults(`amazonses.com; spf=pass ${SPF} ${FROM} ${text}`)?.dkim

  it('name SPF, every signature and DMARC', () => {
    const value = `amazonses.com; spf=pass ${SPF} ${FROM} dkim=fail header.i=@y.example; dkim=pass header.i=u@X.Example; dkim=pass header.d=z.example; dmarc=pass header.from=x.example;`
    const results = readAuthenticationResults(value)
    assert.deepEqual(results, {
      spf: RESULT,
      dkim: [
        { word: 'fail', domain: 'y.example' },
        { word: 'pass', domain: 'x.example' },
        { word: 'pass', domain: 'z.example' },
      ],
      dmarc: { word: 'pass', domain: 'x.example' },
    })
    assert.deepEqual(results && provedBy(results), {
      spfDomain: 'x.example',
      dkimDomains: ['x.example', 'z.example'],
      dmarcDomain: 'x.example',
    })
  })

  it('may lack signatures, DMARC and properties, and hold what is not known yet', () => {
    assert.deepEqual(readAuthenticationResults(`amazonses.com; spf=pass ${SPF} ${FROM}`), {
      spf: RESULT,
      dkim: [],
    })
    assert.deepEqual(
      readAuthenticationResults(`amazonses.com;\tspf=pass ${SPF} ${FROM} dmarc=permerror; arc=none`),
      {
        spf: RESULT,
        dkim: [],
        dmarc: { word: 'permerror' },
      },
    )
    assert.deepEqual(dkimOf('dkim=temperror (no key) header.i=@x.example header.s=s1 header.b=ab/c=;'), [
      { word: 'temperror', domain: 'x.example' },
    ])
  })

  it('lose only the one result that has a property of unknown meaning', () => {
    const value = `amazonses.com; spf=pass ${SPF} ${FROM} dkim=pass header.i=@x.example; dkim=pass header.i=@y.example odd.i=z; dmarc=fail properties.from=z.example;`
    const results = readAuthenticationResults(value)
    assert.deepEqual(results?.dkim, [{ word: 'pass', domain: 'x.example' }, { word: 'pass' }])
    assert.deepEqual(results.dmarc, { word: 'fail' })
    assert.deepEqual(provedBy(results), { spfDomain: 'x.example', dkimDomains: ['x.example'] })
  })

  it("are another server's under any other name", () => {
    for (const name of [
      'amazonses.com.evil.example',
      'x.amazonses.com',
      'amazonses.com evil',
      '',
      '"amazonses.com"',
      'amazonses.com(x)',
    ]) {
      const value = `${name}; spf=pass ${SPF} ${FROM} dkim=pass header.i=@x.example;`
      assert.equal(readAuthenticationResults(value), undefined, name)
    }
  })

  it('prove nothing where they could be read in two ways', () => {
    const victim = 'dkim=pass header.i=@victim.example;'
    const values = [
      victim,
      `${victim} spf=pass ${SPF} ${FROM}`,
      `spf=pass (unclosed ${FROM} ${victim}`,
      `spf=pass x) ${FROM} ${victim}`,
      `spf=pass ${SPF} ${FROM} spf=fail;`,
      `spf=pass ${SPF} ${FROM} helo=h;`,
      `spf=pass ${SPF} ${FROM} ${victim} dmarc=pass header.from=a.example; dmarc=fail header.from=b.example;`,
      `spf=pass ${SPF} envelope-from=x; ${victim} y@evil.example; helo=h;`,
      `spf=pass ${SPF} envelope-from="x; ${victim} helo=h;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=x; dkim=pass header.i=@victim.example@evil.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@evil.example@victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=a@evil.example header.i=@victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@victim.example header.d=victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i="a@evil.example header.i="@victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=a, header.i=@victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@victim.example helo=h;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@victim.example client-ip=192.0.2.1;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=a @victim.example;`,
      `spf=pass ${SPF} ${FROM} dmarc=pass header.from=a.example header.from=b.example;`,
      `spf=pass ${SPF} ${FROM} dkim="pass" header.i=@victim.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@victim.example; b@evil.example;`,
      // a domain in SPF's comment that closes it
      `spf=pass (spfCheck: domain of ); ${victim} ( designates x) client-ip=192.0.2.1; ${FROM}`,
      `spf=pass (spfCheck: domain of ); dkim=pass header.i=@victim.example ( designates x) client-ip=192.0.2.1; ${FROM}`,
      `spf=pass (spfCheck: domain of ) client-ip=192.0.2.1; ${FROM} ${victim} ( designates x) client-ip=192.0.2.1; ${FROM}`,
      `spf=pass (spfCheck: domain of ) client-ip=192.0.2.1; ${FROM} ${victim} dkim=pass reason=" designates x) client-ip=192.0.2.1; ${FROM} dkim=pass header.i=x" header.y=@evil.example`,
    ]
    for (const value of values)
      assert.equal(readAuthenticationResults(`amazonses.com; ${value}`), undefined, value)
  })

  it('keep what stands in quotes and comments out', () => {
    const lie = '; dkim=pass header.i=@victim.example;'
    const quoted = `amazonses.com; spf=pass ${SPF} envelope-from="\\" ${lie}"@evil.example; helo=h;`
    assert.deepEqual(readAuthenticationResults(quoted)?.dkim, [])
    assert.deepEqual(dkimOf('dkim=fail (dkim=pass header.i=@victim.example) header.i=@x.example;'), [
      { word: 'fail', domain: 'x.example' },
    ])
    assert.equal(dkimOf(`dkim=fail (a ${lie} b) header.i=@x.example;`), undefined)
    assert.equal(
      dkimOf('dkim=fail (a (b) dkim=pass header.i=@victim.example) header.i=@x.example;'),
      undefined,
    )
  })

  it('are read in linear time, whatever they hold', () => {
    for (const piece of [
      '(',
      '()',
      '"',
      '\\',
      ';',
      'dkim=pass ',
      'envelope-from="',
      '.',
      ' a=b',
      '""@',
      ' ',
    ]) {
      readAuthenticationResults(`amazonses.com; spf=pass envelope-from=${piece.repeat(100_000)}`)
      readAuthenticationResults(`amazonses.com; spf=pass ${SPF} ${FROM} ${piece.repeat(100_000)}`)
      readReceivedSpf(`pass ${piece.repeat(100_000)}`)
      readReceivedSpf(`pass ${SPF} envelope-from=${piece.repeat(100_000)}`)
    }
    const pieces = fc.constantFrom(
      '(',
      ')',
      '"',
      '\\',
      ';',
      '=',
      '@',
      ' ',
      'dmarc=pass',
      'dkim=pass',
      'header.i=',
      'x.example',
    )
    const property = fc.property(fc.string({ unit: pieces }), text => {
      for (const { domain } of dkimOf(text) ?? [])
        if (domain !== undefined) assert.match(domain, /^[a-z0-9.-]+$/)
    })
    fc.assert(property, { numRuns: 3000, seed: 1 })
  })
})
