import assert from 'node:assert/strict'
import fc from 'fast-check'
import { provedDomains, readAuthenticationResults, readReceivedSpf } from '../../src/mail/results'

const SPF = '(spfCheck: domain of x.example designates 192.0.2.1 as permitted sender) client-ip=192.0.2.1;'
const FROM = 'envelope-from=a@x.example; helo=h.x.example;'

describe("SES's Received-SPF", () => {
  it('names the result and the address that it is about', () => {
    assert.deepEqual(readReceivedSpf(`Pass ${SPF} ${FROM}`), { word: 'pass', envelopeFrom: 'a@x.example' })
    assert.deepEqual(readReceivedSpf('none'), { word: 'none', envelopeFrom: '' })
    const quoted = '"x; dkim=pass header.i=@victim.example"@evil.example'
    const spf = readReceivedSpf(`pass ${SPF} envelope-from=${quoted}; helo=h;`)
    assert.deepEqual(spf, { word: 'pass', envelopeFrom: quoted })
    assert.deepEqual(provedDomains(spf, undefined), { spfDomain: 'evil.example', dkimDomains: [] })
  })

  it('says nothing where it could be read in two ways', () => {
    const values = [
      '',
      ';',
      `pa"ss" ${SPF} ${FROM}`,
      `pass (unclosed ${FROM}`,
      `pass ) ${FROM}`,
      `pass ${SPF} envelope-from="a@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a b@x.example@y.example; envelope-from=c@z.example;`,
      `pass ${SPF} envelope-from=a(b)c@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a"b"c@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a,b@x.example; helo=h;`,
      `pass ${SPF} envelope-from="a"@y.example"@x.example; helo=h;`,
      `pass ${SPF} envelope-from=a@x.example; helo=h; helo=i;`,
      `pass ${SPF} envelope-from=a@x.example; client-ip=192.0.2.2; helo=h;`,
    ]
    for (const value of values) assert.equal(readReceivedSpf(value), undefined, value)
  })
})

describe("SES's Authentication-Results", () => {
  it('name SPF, every signature and DMARC', () => {
    const value = `amazonses.com; spf=pass ${SPF} ${FROM} dkim=fail header.i=@y.example; dkim=pass header.i=u@X.Example; dkim=pass header.d=z.example; dmarc=pass header.from=x.example;`
    const results = readAuthenticationResults(value)
    assert.deepEqual(results, {
      spf: { word: 'pass', envelopeFrom: 'a@x.example' },
      dkim: [
        { word: 'fail', domains: ['y.example'] },
        { word: 'pass', domains: ['x.example'] },
        { word: 'pass', domains: ['z.example'] },
      ],
      dmarc: { word: 'pass', domain: 'x.example' },
    })
    assert.deepEqual(provedDomains(results?.spf, results), {
      spfDomain: 'x.example',
      dkimDomains: ['x.example', 'z.example'],
      dmarcDomain: 'x.example',
    })
  })

  it('may lack any of them', () => {
    assert.deepEqual(readAuthenticationResults('amazonses.com'), { dkim: [] })
    assert.deepEqual(readAuthenticationResults('amazonses.com; dmarc=permerror;'), {
      dkim: [],
      dmarc: { word: 'permerror' },
    })
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
      assert.equal(readAuthenticationResults(`${name}; dkim=pass header.i=@x.example;`), undefined, name)
    }
  })

  it('prove nothing where they could be read in two ways', () => {
    const rest = `${FROM} dkim=pass header.i=@victim.example;`
    const values = [
      `spf=pass (unclosed ${rest}`,
      `spf=pass x) ${rest}`,
      `spf=pass ${SPF} ${FROM} spf=fail;`,
      `spf=pass ${SPF} ${rest} dmarc=pass header.from=a.example; dmarc=fail header.from=b.example;`,
      `spf=pass ${SPF} envelope-from=x; dkim=pass header.i=@victim.example; y@evil.example; helo=h;`,
      `spf=pass ${SPF} envelope-from="x; dkim=pass header.i=@victim.example; helo=h;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=x; dkim=pass header.i=@victim.example@evil.example;`,
      `spf=pass ${SPF} ${FROM} dkim=pass header.i=@victim.example helo=h;`,
      `spf=pass ${SPF} ${FROM} dmarc=pass header.from=a.example header.from=b.example;`,
      `spf=pass ${SPF} ${FROM} dkim="pass" header.i=@victim.example;`,
      // a domain in SPF's comment that closes it
      'spf=pass (spfCheck: domain of ); dkim=pass header.i=@victim.example; ( designates x) client-ip=192.0.2.1; ' +
        FROM,
      'spf=pass (spfCheck: domain of ); dkim=pass header.i=@victim.example ( designates x) client-ip=192.0.2.1; ' +
        FROM,
    ]
    for (const value of values)
      assert.equal(readAuthenticationResults(`amazonses.com; ${value}`), undefined, value)
  })

  it('keep what stands in comments and quotes out, nested and escaped', () => {
    const lie = '; dkim=pass header.i=@victim.example;'
    const values = [
      `spf=pass (a (b ${lie}) \\) \\( ${lie}) client-ip=192.0.2.1; ${FROM}`,
      `spf=pass (" ${lie}) client-ip=192.0.2.1; ${FROM}`,
      `spf=pass ${SPF} envelope-from="\\" ${lie}"@evil.example; helo=h;`,
    ]
    for (const value of values) {
      assert.deepEqual(readAuthenticationResults(`amazonses.com; ${value}`)?.dkim, [], value)
    }
  })

  it('are read in linear time, whatever they hold', () => {
    for (const piece of ['(', '()', '"', '\\', ';', 'dkim=pass ', 'envelope-from="', '.', ' a=b', '""@']) {
      readAuthenticationResults(`amazonses.com; spf=pass envelope-from=${piece.repeat(100_000)}`)
      readReceivedSpf(piece.repeat(100_000))
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
      'spf=pass',
      'dkim=pass',
      'header.i=',
      'x.example',
    )
    const property = fc.property(fc.string({ unit: pieces }), text => {
      const results = readAuthenticationResults(`amazonses.com;${text}`)
      const proved = provedDomains(results?.spf, results)
      for (const domain of proved.dkimDomains) assert.match(domain, /^[a-z0-9.-]+$/)
    })
    fc.assert(property, { numRuns: 3000, seed: 1 })
  })
})
