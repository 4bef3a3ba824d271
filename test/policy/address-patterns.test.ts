// Address patterns against what they mean, said slowly: each mailbox in all the ways in which it can be written,
// each pattern by its definition.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { matcherOf } from './compiled-patterns'
import { globMatches } from './glob-model'

/** One and the same local part or domain, as it is compared, and spellings of it. */
interface Name {
  compared: string
  spellings: readonly string[]
}

const LOCALS: readonly Name[] = [
  { compared: 'joe', spellings: ['joe', 'JOE', '"joe"', '"j\\oe"', '"Jo"e'] },
  { compared: 'jo e', spellings: ['"jo e"', '"JO\\ e"'] },
  { compared: 'j"e', spellings: ['"j\\"e"'] },
  { compared: 'j@e', spellings: ['"j@e"', '"J\\@E"'] },
  { compared: 'é', spellings: ['é', 'É', '"é"'] },
  { compared: 'o', spellings: ['o', 'O'] },
]
const DOMAINS: readonly Name[] = [
  { compared: 'example', spellings: ['example', 'EXAMPLE', 'example.'] },
  { compared: 'sub.example', spellings: ['sub.example', 'Sub.Example'] },
  { compared: 'a.sub.example', spellings: ['a.sub.example'] },
  { compared: 'bexample', spellings: ['bexample'] },
  {
    compared: 'xn--bcher-kva.example',
    spellings: [
      'bücher.example',
      'BÜCHER.example',
      'xn--bcher-kva.example',
      'bu\u0308cher.example',
      'bücher。example',
    ],
  },
  { compared: 'sub.xn--bcher-kva.example', spellings: ['sub.bücher.example', 'SUB.XN--BCHER-KVA.EXAMPLE'] },
  { compared: '[192.0.2.1]', spellings: ['[192.0.2.1]'] },
]
const NULL_SENDER = ''

interface Written {
  compared: string
  text: string
}
const written = (names: readonly Name[]): fc.Arbitrary<Written> =>
  fc
    .constantFrom(...names)
    .chain(({ compared, spellings }) => fc.constantFrom(...spellings).map(text => ({ compared, text })))

interface Mailbox {
  text: string
  local: string
  domain: string
}
const MAILBOX: fc.Arbitrary<Mailbox> = fc.oneof(
  {
    weight: 20,
    arbitrary: fc
      .tuple(written(LOCALS), written(DOMAINS), fc.boolean())
      .map(([local, domain, inBrackets]) => ({
        text: inBrackets ? `<${local.text}@${domain.text}>` : `${local.text}@${domain.text}`,
        local: local.compared,
        domain: domain.compared,
      })),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom('', '<>').map(text => ({ text, local: NULL_SENDER, domain: NULL_SENDER })),
  },
)

interface Pattern {
  text: string
  means: (mailbox: Mailbox) => boolean
}

const EXACT: fc.Arbitrary<Pattern> = fc.tuple(written(LOCALS), written(DOMAINS)).map(([local, domain]) => ({
  text: quoted(`${local.text}@${domain.text}`),
  means: mailbox => mailbox.local === local.compared && mailbox.domain === domain.compared,
}))

const HOST: fc.Arbitrary<Pattern> = fc.tuple(written(DOMAINS), fc.boolean()).map(([domain, below]) => ({
  text: `@${below ? '.' : ''}${domain.text}`,
  means: mailbox =>
    mailbox.domain === domain.compared || (below && mailbox.domain.endsWith(`.${domain.compared}`)),
}))

const NULL: fc.Arbitrary<Pattern> = fc.constant({
  text: '<>',
  means: ({ domain }: Mailbox) => domain === NULL_SENDER,
})

const LOCAL_GLOB = fc
  .array(fc.constantFrom('j', 'J', 'o', 'e', 'é', 'É', '*', '?'), { minLength: 1, maxLength: 4 })
  .map(parts => parts.join(''))
/** A label with a wildcard is compared as it is written; another one as A-labels. */
const LABEL_GLOB = fc.constantFrom('*', 's?b', 'S*', 'xn--*', 'EXAMPLE', 'sub', 'bücher', '?xample')
const LABELS: Readonly<Record<string, string>> = { bücher: 'xn--bcher-kva' }

const GLOB: fc.Arbitrary<Pattern> = fc
  .tuple(
    fc.option(LOCAL_GLOB, { nil: '' }),
    fc.boolean(),
    fc.array(LABEL_GLOB, { minLength: 1, maxLength: 3 }),
    fc.constantFrom('*', '?'),
  )
  .map(([local, below, labels, wildcard]) => {
    // at least one of them, or it is no glob
    const host = /[*?]/.test(local + labels.join('')) ? labels : [...labels, wildcard]
    const compared = host.map(label => LABELS[label] ?? label.toLowerCase()).join('.')
    return {
      text: `${local}@${below ? '.' : ''}${host.join('.')}`,
      means: (mailbox: Mailbox) => {
        if (mailbox.domain === NULL_SENDER) return false
        const labelsOf = mailbox.domain.split('.')
        const domains = below ? labelsOf.map((_, i) => labelsOf.slice(i).join('.')) : [mailbox.domain]
        return (
          (local === '' || globMatches(Array.from(local.toLowerCase()), Array.from(mailbox.local))) &&
          domains.some(domain => globMatches(Array.from(compared), Array.from(domain)))
        )
      },
    }
  })

describe('address patterns', () => {
  it('match the mailboxes that they mean, however those and they are written', () => {
    let [held, not] = [0, 0]
    fc.assert(
      fc.property(
        fc.array(fc.oneof(EXACT, HOST, NULL, GLOB), { minLength: 1, maxLength: 3 }),
        MAILBOX,
        (patterns, mailbox) => {
          const isMeant = patterns.some(({ means }) => means(mailbox))
          assert.equal(
            matcherOf('address', patterns.map(({ text }) => text).join(', '))(mailbox.text),
            isMeant,
          )
          if (isMeant) held++
          else not++
        },
      ),
      { numRuns: 3000 },
    )
    assert.ok(held > 300 && not > 300, `${held} held, ${not} not`)
  })

  it('mean the same in a rule and in a list', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(EXACT, HOST, NULL, GLOB), { maxLength: 3 }),
        MAILBOX,
        (patterns, mailbox) => {
          const l = patterns.map(({ text }) => `${text}\n`).join('')
          const isMeant = patterns.some(({ means }) => means(mailbox))
          assert.equal(matcherOf('address', 'file:l', { l })(mailbox.text), isMeant)
        },
      ),
      { numRuns: 500 },
    )
  })
})

/** The text as one item of a list, whatever is in it. */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
