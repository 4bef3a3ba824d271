import assert from 'node:assert/strict'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { readOwnDomains } from '../../src/haraka/own-domains'
import { domain } from '../units'

function own(relayDomains: string[], files: Record<string, string> = {}) {
  const { ownDomains, diagnostics } = readOwnDomains(relayDomains, name => files[name])
  return {
    receivesFor: (text: string) => ownDomains.receivesFor(domain(text)),
    isOfOwnOrganisation: (text: string) => ownDomains.isOfOwnOrganisation(domain(text)),
    said: diagnostics.map(formatDiagnostic),
  }
}

describe('the domains that SES receives for', () => {
  it('are those of host_list and of [relay] domains, in any case', () => {
    const { receivesFor } = own(['more.example'], { host_list: '# ours\nYours.Example\n' })
    assert.ok(receivesFor('yours.example'))
    assert.ok(receivesFor('more.example'))
    assert.ok(!receivesFor('sub.yours.example'))
    assert.ok(!receivesFor(''))
  })

  it('are with @. before a domain that domain and all below it', () => {
    const { receivesFor } = own(['@.yours.example'])
    for (const one of ['yours.example', 'a.yours.example', 'b.a.yours.example'])
      assert.ok(receivesFor(one), one)
    for (const one of ['example', 'notyours.example', 'yours.example.org', ''])
      assert.ok(!receivesFor(one), one)
  })

  it('are those that an expression of host_list_regex matches as a whole, in any case', () => {
    const { receivesFor, said } = own([], {
      host_list_regex: '; ours\n\n  .*\\.Yours\\.example  \nmx\\d+\\.example\\.net\nab|cd\n',
    })
    assert.deepEqual(said, [])
    for (const one of ['a.yours.example', 'b.a.yours.example', 'mx7.example.net', 'ab', 'cd'])
      assert.ok(receivesFor(one), one)
    for (const one of ['yours.example', 'a.yours.example.org', 'xmx7.example.net', 'abx', 'xcd', ''])
      assert.ok(!receivesFor(one), one)
  })

  it('are found by many expressions as by one', () => {
    const lines = Array.from({ length: 2000 }, (_, at) => `host${at}-\\d{1,3}\\.example\\.com`)
    const { receivesFor, said } = own([], { host_list_regex: lines.join('\n') })
    assert.deepEqual(said, [])
    assert.ok(receivesFor('host0-1.example.com'))
    assert.ok(receivesFor('host1999-123.example.com'))
    assert.ok(!receivesFor('host2000-1.example.com'))
  })

  it('have an error with its line for an expression that cannot be used', () => {
    const { receivesFor, said } = own([], {
      host_list_regex: 'ok\\.example\n(\n(a)\\1\n\n# (\n(?<=x)y\n',
    })
    assert.equal(said.length, 3)
    assert.match(said[0] ?? '', /^host_list_regex:2: \/\(\/ can't be used/)
    assert.match(said[1] ?? '', /^host_list_regex:3: .*backreferences are not supported/)
    assert.match(said[2] ?? '', /^host_list_regex:6: .*lookahead and lookbehind are not supported/)
    assert.ok(receivesFor('ok.example'))
  })

  it('answer in linear time if other engines would take forever', () => {
    const { receivesFor } = own([], { host_list_regex: '(a+)+b\\.example' })
    const begun = process.hrtime.bigint()
    assert.ok(!receivesFor(`${'a'.repeat(200)}.example`))
    assert.ok(process.hrtime.bigint() - begun < 10_000_000_000n)
  })

  it('say which other domains are of the same organisation', () => {
    const { isOfOwnOrganisation } = own(['mail.yours.example', '@.below.example'], {
      host_list_regex: 'mx\\d\\.hosts\\.example',
    })
    for (const one of ['yours.example', 'inner.yours.example', 'x.below.example', 'mx1.hosts.example'])
      assert.ok(isOfOwnOrganisation(one), one)
    for (const one of ['elsewhere.example', 'example']) assert.ok(!isOfOwnOrganisation(one), one)
  })
})
