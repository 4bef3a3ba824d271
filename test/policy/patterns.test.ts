import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { Diagnostic } from '../../src/config/diagnostics'
import { splitItems } from '../../src/config/items'
import { SYNC_ONLY } from '../../src/policy/match-budget'
import { type Kind, matches, PatternCompiler } from '../../src/policy/patterns'
import { MATCHED_CHARACTERS, Subject } from '../../src/policy/subject'
import { cpuMs } from '../cpu-time'
import { compiled, matcherOf, matching } from './compiled-patterns'

describe('text patterns', () => {
  it('match the whole value without regard to case', () => {
    assert.deepEqual(matching('text', 'Hello World, *sale*', ['hello WORLD', 'Hello', 'Big SALE!', '']), [
      'hello WORLD',
      'Big SALE!',
    ])
    assert.deepEqual(matching('text', '*ΟΔΟΣ*', ['οδος 5', 'Οδοσ', 'ΟΔΟ']), ['οδος 5', 'Οδοσ'])
    assert.deepEqual(matching('text', 'caf\u00e9', ['CAFE\u0301']), ['CAFE\u0301'])
  })

  it('match quoted ones literally', () => {
    assert.deepEqual(
      matching('text', '"50% off*, today", "file:x"', ['50% off*, today', '50% off!, today', 'file:x']),
      ['50% off*, today', 'file:x'],
    )
  })

  it('use * for a value that is there, also an empty one', () => {
    assert.deepEqual(matching('text', '*', ['', 'x']), ['', 'x'])
  })

  it('match the first 65,536 characters only', () => {
    const isLong = matcherOf('text', '*x')
    assert(isLong(`${'a'.repeat(MATCHED_CHARACTERS - 1)}x`))
    assert(!isLong(`${'a'.repeat(MATCHED_CHARACTERS)}x`))
  })

  it('refuse what is too long', () => {
    assert.deepEqual(compiled('text', 'a'.repeat(1001)).faults, ['a pattern has at most 1000 characters'])
  })
})

describe('address patterns', () => {
  it('match mailboxes, whatever their quoting, case and kind of label', () => {
    assert.deepEqual(
      matching('address', 'Joe@Bücher.example', [
        'joe@xn--bcher-kva.EXAMPLE',
        '"joe"@bücher.example',
        'jo@bücher.example',
      ]),
      ['joe@xn--bcher-kva.EXAMPLE', '"joe"@bücher.example'],
    )
  })

  it('match hosts with and without their subdomains', () => {
    const values = [
      'a@x.example',
      'a@b.x.example',
      'a@c.b.x.example',
      'a@ax.example',
      'a@example',
      '',
      'x.example',
    ]
    assert.deepEqual(matching('address', '@x.example', values), ['a@x.example'])
    assert.deepEqual(matching('address', '@.x.example', values), [
      'a@x.example',
      'a@b.x.example',
      'a@c.b.x.example',
    ])
  })

  it('match the null sender with <> only', () => {
    assert.deepEqual(matching('address', '<>', ['', '<>', 'a@x.example']), ['', '<>'])
    assert.deepEqual(matching('address', '*@*', ['', '<>', 'a@x.example']), ['a@x.example'])
  })

  it('match globs in the local part and in the host', () => {
    const values = ['sales-1@a.example', 'sales-1@b.a.example', 'sales@a.example', 'x@bücher.a.example']
    assert.deepEqual(matching('address', 'SALES-?@a.example', values), ['sales-1@a.example'])
    assert.deepEqual(matching('address', 'sales*@.*.example', values), [
      'sales-1@a.example',
      'sales-1@b.a.example',
      'sales@a.example',
    ])
    assert.deepEqual(matching('address', '@bücher.*', values), ['x@bücher.a.example'])
    assert.deepEqual(matching('address', '"sales*@a.example"', ['sales*@a.example', ...values]), [
      'sales*@a.example',
    ])
  })

  it('match nothing that is no address', () => {
    assert.deepEqual(
      matching('address', '@x.example, *@x.example', ['a b@x.example', '"a@x.example', '@x.example']),
      [],
    )
  })

  it('say what would be right', () => {
    const right = 'write user@host, @host, @.host (the host and its subdomains), or <> for the null sender'
    for (const text of ['postmaster', '*', 'a@', '@', '@.', 'a@b c', '@a..b', '*@a..*']) {
      assert.deepEqual(compiled('address', text).faults, [`"${text}" isn't an address pattern; ${right}`])
    }
  })

  it('agree with what each kind of pattern means, for any addresses', () => {
    const label = fc.constantFrom('a', 'b', 'c')
    const domain = fc.array(label, { minLength: 1, maxLength: 4 }).map(labels => labels.join('.'))
    fc.assert(
      fc.property(label, domain, label, domain, (local, host, patternLocal, patternHost) => {
        const address = `${local}@${host}`
        assert.equal(matcherOf('address', `@${patternHost}`)(address), host === patternHost)
        assert.equal(
          matcherOf('address', `@.${patternHost}`)(address),
          `.${host}`.endsWith(`.${patternHost}`),
        )
        assert.equal(
          matcherOf('address', `${patternLocal}@${patternHost}`)(address),
          local === patternLocal && host === patternHost,
        )
      }),
    )
  })
})

describe('ip patterns', () => {
  it('match addresses and ranges, IPv4 also within IPv6', () => {
    const values = [
      '192.0.2.9',
      '::ffff:192.0.2.9',
      '192.0.3.9',
      '2001:db8::5',
      '[IPv6:2001:db8::5]',
      'fe80::1%eth0',
      'x',
      '',
    ]
    assert.deepEqual(matching('ip', '192.0.2.0/24', values), ['192.0.2.9', '::ffff:192.0.2.9'])
    assert.deepEqual(matching('ip', '::ffff:192.0.2.0/120', values), ['192.0.2.9', '::ffff:192.0.2.9'])
    assert.deepEqual(matching('ip', '2001:db8::/32, fe80::1', values), [
      '2001:db8::5',
      '[IPv6:2001:db8::5]',
      'fe80::1%eth0',
    ])
  })

  it('refuse what is none', () => {
    for (const text of [
      '192.0.2',
      '192.0.2.0/33',
      '192.0.2.0/',
      '192.0.2.*',
      '::/129',
      'host.example',
      '1.2.3.4/-1',
    ]) {
      assert.match(compiled('ip', text).faults.join(), /isn't an IP address or range; write an address/, text)
    }
  })
})

describe('size, duration and number patterns', () => {
  it('compare', () => {
    const values = [1, 2, 3, 4, 5]
    assert.deepEqual(matching('number', '> 3', values), [4, 5])
    assert.deepEqual(matching('number', '>= 3', values), [3, 4, 5])
    assert.deepEqual(matching('number', '<3, =5', values), [1, 2, 5])
    assert.deepEqual(matching('number', '<= 2', values), [1, 2])
    assert.deepEqual(matching('number', '2..4', values), [2, 3, 4])
    assert.deepEqual(matching('number', '3', [...values, '3']), [3])
    assert.deepEqual(matching('size', '> 10kb', [10_240, 10_241]), [10_241])
    assert.deepEqual(
      matching('duration', '1m .. 1h', [59_999, 60_000, 3_600_000, 3_600_001]),
      [60_000, 3_600_000],
    )
  })

  it('say what would be right', () => {
    assert.deepEqual(compiled('number', '5..1').faults, [
      '"5..1" is empty: the lower end of a range comes first',
    ])
    assert.deepEqual(compiled('size', '> 10 parsecs').faults, [
      `"> 10 parsecs" isn't a size; write a number and a unit: 500b, 10kb, 10mb; with <, <=, =, >= or > before it, or two with ".." between them`,
    ])
    assert.equal(compiled('duration', '=> 5m, 5, 1m..').faults.length, 3)
  })
})

describe('lists', () => {
  it('hold one pattern a line', () => {
    const lists = { l: '\uFEFF# mine\r\n; old\n\n  a, b; c  \n"x*"\ny*' }
    assert.deepEqual(matching('text', 'file:l, z', ['A, B; C', 'x*', 'xx', 'yes', 'z', '# mine'], lists), [
      'A, B; C',
      'x*',
      'yes',
      'z',
    ])
  })

  it('report what is wrong in them at their own lines', () => {
    const { faults, diagnostics } = compiled('address', 'file:gone, file:, file:l', {
      l: 'a@x.example\nfoo\nfile:m\n/x(/',
    })
    assert.deepEqual(faults, [
      `there is no list "gone" in Haraka's config directory`,
      'the name of the list is missing after "file:"',
    ])
    assert.deepEqual(diagnostics, [
      `l:2: "foo" isn't an address pattern; write user@host, @host, @.host (the host and its subdomains), or <> for the null sender`,
      `l:3: a list can't name another list`,
      "l:4: /x(/ can't be used: a closing ) is missing",
    ])
  })

  it('are read and reported once, however many conditions name them', () => {
    let reads = 0
    const diagnostics: Diagnostic[] = []
    const compiler = new PatternCompiler(
      () => {
        reads++
        return 'foo'
      },
      diagnostic => diagnostics.push(diagnostic),
    )
    for (let i = 0; i < 3; i++) compiler.compile('address', 'x', splitItems('file:l').items, assert.fail)
    assert.deepEqual([reads, diagnostics.length], [1, 1])
  })

  it('that are the wrong file are not reported line by line', () => {
    const { diagnostics } = compiled('address', 'file:l', { l: 'x\n'.repeat(50_000) })
    assert.equal(diagnostics.length, 21)
    assert.equal(diagnostics.at(-1), `l: 49980 more lines can't be used; is this the right file?`)
  })

  it('of 100,000 addresses are looked up, not scanned', () => {
    const l = Array.from({ length: 100_000 }, (_, i) => `user${i}@example.com\n`).join('')
    const isListed = matcherOf('address', 'file:l', { l })
    const tookMs = cpuMs(500, () => {
      for (let i = 0; i < 1000; i++) {
        assert(isListed(`USER${i}@example.com`))
        assert(!isListed(`user${i}@example.org`))
      }
    })
    // 200 million comparisons would take longer
    assert(tookMs < 500, `${tookMs} ms`)
  })
})

describe('any patterns', () => {
  it('and any values never throw', () => {
    const kinds: Kind[] = ['address', 'text', 'ip', 'word', 'size', 'duration', 'number']
    const piece = fc.constantFrom(
      'a',
      '@',
      '.',
      '*',
      '?',
      '(',
      '[',
      '|',
      '{2}',
      '<',
      '>',
      '"',
      '/',
      ',',
      '..',
      ':',
      '1',
      'file:l',
      '\\',
      'ü',
      '%',
    )
    const text = fc.oneof(
      fc.array(piece).map(parts => parts.join('')),
      fc.string({ unit: 'binary' }),
    )
    fc.assert(
      fc.property(
        fc.constantFrom(...kinds),
        text,
        text,
        fc.oneof(text, fc.double()),
        (kind, raw, list, value) => {
          const { matcher } = compiled(kind, raw, { l: list })
          assert.equal(typeof matches(matcher, new Subject(value), SYNC_ONLY), 'boolean')
        },
      ),
      { numRuns: 1000 },
    )
  })
})
