import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type ActiveConfig, type Compiled, compileActiveConfig } from '../../src/app/active-config'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { snapshotSources } from '../../src/config/sources'
import { domain } from '../units'

/** The warning of a range that holds more than relays. */
const WIDE = /^trusted has \S+, which is wider than /

function compile(files: Record<string, string>): Compiled<ActiveConfig> {
  return compileActiveConfig(snapshotSources(files), {})
}

function activeConfig(files: Record<string, string>): ActiveConfig {
  const { value, diagnostics } = compile(files)
  const others = diagnostics.filter(({ message }) => !WIDE.test(message))
  assert.deepEqual(others.map(formatDiagnostic), [])
  return value
}

function trusting(trusted: string, authUsers = ''): ActiveConfig {
  return activeConfig({ 'ses-bounce.ini': `[relay]\ntrusted = ${trusted}\nauth_users = ${authUsers}\n` })
}

describe('trusted relays', () => {
  it('are nobody by default, and then the plugin is idle', () => {
    const relay = activeConfig({})
    assert.equal(relay.idle, true)
    for (const ip of ['127.0.0.1', '::1', '0.0.0.0', '']) assert.equal(relay.trusts(ip, undefined), false)
  })

  it('are single addresses and ranges, of either family', () => {
    const relay = trusting('192.0.2.10, 198.51.100.0/25, 2001:db8::1, 2001:db8:1::/49')
    assert.equal(relay.idle, false)
    const verdicts = {
      '192.0.2.10': true,
      '192.0.2.11': false,
      '198.51.100.127': true,
      '198.51.100.128': false,
      '2001:db8::1': true,
      '2001:DB8:0:0:0:0:0:1': true,
      '2001:db8::2': false,
      '2001:db8:1:7fff::': true,
      '2001:db8:1:8000::': false,
    }
    for (const [ip, verdict] of Object.entries(verdicts))
      assert.equal(relay.trusts(ip, undefined), verdict, ip)
  })

  it('are known by their IPv4 address also where it comes as an IPv6 one', () => {
    const relay = trusting('192.0.2.0/24')
    assert.equal(relay.trusts('::ffff:192.0.2.7', undefined), true)
    assert.equal(relay.trusts('::ffff:c000:207', undefined), true)
    assert.equal(relay.trusts('::ffff:198.51.100.7', undefined), false)
    assert.equal(relay.trusts('::192.0.2.7', undefined), false)
  })

  it('are not peers without an address, or with a text instead of one', () => {
    const relay = trusting('0.0.0.0/1, 192.0.2.10')
    for (const ip of ['', 'localhost', '192.0.2.10 ', '192.0.2', '1', '::ffff:']) {
      assert.equal(relay.trusts(ip, undefined), false, ip)
    }
  })

  it('may be users of SMTP AUTH, by exactly their names', () => {
    const relay = trusting('', 'ses-relay, "two words"')
    assert.equal(relay.idle, false)
    assert.equal(relay.trusts('203.0.113.9', 'ses-relay'), true)
    assert.equal(relay.trusts('203.0.113.9', 'two words'), true)
    for (const user of [undefined, '', 'ses', 'SES-Relay', 'ses-relay ']) {
      assert.equal(relay.trusts('203.0.113.9', user), false, user)
    }
  })

  it('are those whose first bits are those of the range, to the bit', () => {
    const anyFlip = fc.constantFrom(4, 6).chain(family => {
      const width = family === 4 ? 32 : 128
      return fc.record({
        width: fc.constant(width),
        network: fc.bigInt({ min: 0n, max: 2n ** BigInt(width) - 1n }),
        bits: fc.integer({ min: 1, max: width }),
        flipped: fc.nat(width - 1),
      })
    })
    fc.assert(
      fc.property(anyFlip, ({ width, network, bits, flipped }) => {
        const relay = trusting(`${addressOf(network, width)}/${bits}`)
        const neighbour = network ^ (1n << BigInt(width - 1 - flipped))
        assert.equal(relay.trusts(addressOf(network, width), undefined), true)
        assert.equal(relay.trusts(addressOf(neighbour, width), undefined), flipped >= bits)
      }),
      { numRuns: 200 },
    )
  })
})

describe('what Haraka says in its own files', () => {
  const rules = '[all]\nrecipient = @yours.example\naction = bounce\nbounce.type = DoesNotExist\n'

  it('names the domains in host_list, besides those of the ini', () => {
    const hostList =
      '# ours\nyours.example\r\n  Other.Example  ; note\n\nbücher.example # note\n;off.example\n'
    const { domains, policy } = activeConfig({
      host_list: hostList,
      'ses-bounce.ini': '[relay]\ndomains = more.example\n',
      'ses-bounce-rules.ini': rules,
    })
    const yes = ['yours.example', 'other.example', 'xn--bcher-kva.example', 'more.example']
    assert.deepEqual(domains, yes)
    for (const one of yes) assert.equal(policy.receivesFor(domain(one)), true, one)
    for (const one of ['off.example', 'note', 'ours', '', 'sub.yours.example']) {
      assert.equal(policy.receivesFor(domain(one)), false, one)
    }
  })

  it('names the host that reports, unless the ini does', () => {
    assert.equal(activeConfig({ me: 'mx.yours.example\n' }).policy.reportingMta, 'dns; mx.yours.example')
    const named = { me: 'mx.yours.example', 'ses-bounce.ini': '[ses]\nreporting_mta = dns; a.example\n' }
    assert.equal(activeConfig(named).policy.reportingMta, 'dns; a.example')
    assert.match(activeConfig({}).policy.reportingMta, /^dns; [a-z\d.-]+$/i)
  })
})

describe('a configuration with errors', () => {
  it('has a line for whatever is wrong with the bounce sender', () => {
    const piece = fc.oneof(
      fc.constantFrom('{recipient}', '{recipient.domain}', '{sender.domain}', '{recipient', 'mailer-daemon'),
      fc.constantFrom(
        '@',
        '@',
        '.',
        '..',
        '-',
        '"',
        '<',
        '[',
        '{',
        '}',
        ' ',
        'x.example',
        'ü',
        'a'.repeat(64),
      ),
    )
    const sender = fc.array(piece, { maxLength: 5 }).map(parts => parts.join(''))
    fc.assert(
      fc.property(sender, text => {
        const { diagnostics } = compile({ 'ses-bounce.ini': `[ses]\nbounce_sender = ${text}\n` })
        assert.ok(diagnostics.length <= 1)
        for (const diagnostic of diagnostics)
          assert.match(formatDiagnostic(diagnostic), /^ses-bounce\.ini:2: \[ses\] /)
      }),
      { numRuns: 300 },
    )
  })

  it('shows those of both files and of lists at once, each with its place', () => {
    const { diagnostics } = compile({
      'ses-bounce.ini': '[relay\ntrusted = everybody\n[main]\nmode = shout\n',
      'ses-bounce-rules.ini': 'no equals\n[a]\nacton = bounce\n[b]\nrecipient = file:gone\naction = accept\n',
    })
    const said = diagnostics.map(formatDiagnostic).join('\n')
    assert.match(said, /^ses-bounce\.ini:1: .*"\]" is missing/m)
    assert.match(said, /^ses-bounce\.ini:4: \[main\] .*"shout"/m)
    assert.match(said, /^ses-bounce-rules\.ini:1: .*no "="/m)
    assert.match(said, /^ses-bounce-rules\.ini:3: \[a\] .*"acton"/m)
    assert.match(said, /^ses-bounce-rules\.ini:5: \[b\] .*gone/m)
    assert.equal(new Set(diagnostics.map(formatDiagnostic)).size, diagnostics.length, 'nothing is said twice')
  })
})

function addressOf(bits: bigint, width: number): string {
  const [size, base, mark] = width === 32 ? ([8, 10, '.'] as const) : ([16, 16, ':'] as const)
  const groups = Array.from({ length: width / size }, (_, index) => {
    const group = (bits >> BigInt(width - size * (index + 1))) & ((1n << BigInt(size)) - 1n)
    return group.toString(base)
  })
  return groups.join(mark)
}
