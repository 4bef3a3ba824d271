// The cost of deciding about one recipient, by the number and the kind of the rules.
// Rejects if another rule decides than expected.

import type { ActiveConfig } from '../src/app/active-config'
import type { CheapFacts } from '../src/policy/fields'
import { LiteralSearch } from '../src/policy/literal-search'
import { mightMatchAnyRule } from '../src/policy/might-match'
import { openWorkerThreads } from '../src/worker-thread/worker-threads'
import { decideInTurn, inTurn, readyFacts } from './deciding'
import type { Work } from './measure'
import { compiled, DECIDING, type Kind, rule, rulesOf } from './rules'
import { NOW_MS, type Sample, textSample } from './samples'
import type { Contest, Row, Suite } from './suite'

const COUNTS = [100, 1000]
const FEW = 10
const FIFTY = 50
const LONG = 100_000

export const decisions: Suite = {
  name: 'decisions',
  title: 'Deciding a recipient',
  about: `One recipient of one mail is decided: the values that rules ask for are made ready for matching, the rules are tried,
and the last one holds. The header was parsed before, and the body read. Address rules name a recipient (\`user@host\`)
or the host of a sender (\`@host\`), header rules a subject, body rules a text of 5 KB; of the last two every other one
is a glob with \`*\`, every other one a regular expression.

The goal: a thousand rules cost at most twice what ten do, and a list costs the same however long it is. A text is gone
over once for the literals that globs and expressions need, and a rule is tried where they were found; with every literal
in the text a thousand rules should cost at most 1.5 times what they cost without that. Where rules share a list and the
recipient is on it, what else they ask has to be looked at, rule by rule.`,
  ratio: 'times the CPU time',
  unit: 'time',
  contests: [
    contestOf('address', []),
    contestOf('header', [
      { name: '1,000 header rules of which the first holds, against 10', of: 'first', against: '10' },
    ]),
    contestOf('body', []),
    everyLiteral(),
    passingOver(),
    ofRefusals(),
    longList(),
    rulesWithOneList('not on it', seed => `stranger${seed}@example.com`),
    rulesWithOneList('on it', seed => `box${(seed * 7919) % LONG}@example.com`),
  ],
}

function contestOf(kind: Kind, more: readonly Row[]): Contest {
  return {
    rows: [
      ...COUNTS.map(count => ({
        name: `${count.toLocaleString('en')} ${kind} rules against ${FEW}`,
        of: `${count}`,
        against: `${FEW}`,
      })),
      ...more,
    ],
    async prepare(inputs) {
      const workerThreads = openWorkerThreads()
      const facts = await readyFacts(samples(inputs))
      const deciding = (rules: string) => decideInTurn(compiled(rules), facts, workerThreads, DECIDING)
      const works = [FEW, ...COUNTS].map(count => [`${count}`, deciding(rulesOf(kind, count))] as const)
      const first = more.map(({ of }) => [of, deciding(rulesOf(kind, 1000, 'first'))] as const)
      return { works: Object.fromEntries([...works, ...first]), close: () => workerThreads.close() }
    },
  }
}

/** The text is the worst for the filter of rules by their literals, which is of no use then. */
function everyLiteral(): Contest {
  return {
    rows: [
      {
        name: '1,000 body rules with every literal of theirs in the text, against the same without the search for literals',
        of: 'filtered',
        against: 'unfiltered',
      },
    ],
    async prepare(inputs) {
      const workerThreads = openWorkerThreads()
      const numbers = Array.from({ length: 1000 }, (_, number) => number)
      // each pattern has its two literals in the other order
      const body = [...numbers.map(number => `ab${number}b`), ...numbers.map(number => `zq${number}q`)].join(
        ' ',
      )
      const pattern = (number: number) =>
        number % 2 === 0 ? `*zq${number}q*ab${number}b*` : `/zq${number}q.{1,9}ab${number}b/`
      const rules = [
        ...numbers.map(number => rule(`body-${number}`, `body = ${pattern(number)}`)),
        rule(DECIDING, 'body = *'),
      ].join('\n')
      const facts = await readyFacts(
        Array.from({ length: Math.min(inputs, 20) }, (_, seed) => textSample(seed, { body })),
      )
      const deciding = (activeConfig: ActiveConfig) =>
        decideInTurn(activeConfig, facts, workerThreads, DECIDING)
      return {
        works: {
          filtered: deciding(compiled(rules)),
          unfiltered: deciding(withoutLiterals(() => compiled(rules))),
        },
        close: () => workerThreads.close(),
      }
    },
  }
}

/** Compiles as if no pattern needed a literal. */
function withoutLiterals(compile: () => ActiveConfig): ActiveConfig {
  const own = Object.getOwnPropertyDescriptor(LiteralSearch.prototype, 'add')
  Object.defineProperty(LiteralSearch.prototype, 'add', { ...own, value: () => undefined })
  try {
    return compile()
  } finally {
    Object.defineProperty(LiteralSearch.prototype, 'add', own ?? {})
  }
}

/** The check of the envelope and of SES's trace fields, which is enough for most mail. */
function passingOver(): Contest {
  return {
    rows: COUNTS.map(count => ({
      name: `passing over a mail that none of ${count.toLocaleString('en')} address rules concerns, against ${FEW}`,
      of: `${count}`,
      against: `${FEW}`,
    })),
    async prepare(inputs) {
      const mails = cheapFacts(inputs)
      const works = [FEW, ...COUNTS].map(
        count => [`${count}`, passing(rulesOf('address', count, 'none'), mails)] as const,
      )
      return { works: Object.fromEntries(works) }
    },
  }
}

/** A contest for mails that nobody refused. */
function ofRefusals(): Contest {
  return {
    rows: [
      {
        name: `passing over a mail that nobody refused: ${FIFTY} address rules and ${FIFTY} about refusals, against the ${FIFTY}`,
        of: 'both',
        against: 'addresses',
      },
    ],
    async prepare(inputs) {
      const mails = cheapFacts(inputs)
      const addresses = rulesOf('address', FIFTY, 'none')
      const refusals = rulesOf('refusal', FIFTY, 'none')
      return {
        works: {
          both: passing(`${addresses}\n${refusals}`, mails),
          addresses: passing(addresses, mails),
        },
      }
    },
  }
}

/** Every second recipient is on the list. */
function longList(): Contest {
  return {
    rows: [{ name: 'a list of 100,000 addresses against one of 10', of: 'long', against: 'short' }],
    async prepare(inputs) {
      const workerThreads = openWorkerThreads()
      const work = async (entries: number) => {
        const recipient = (seed: number) =>
          seed % 2 === 0 ? `box${(seed * 7919) % entries}@example.com` : `stranger${seed}@example.com`
        const rules = [rule('listed', 'recipient = file:list'), rule(DECIDING, 'recipient = @example.com')]
        const facts = await readyFacts(samples(inputs, recipient))
        const activeConfig = compiled(rules.join('\n'), { list: boxes(entries) })
        return decideInTurn(activeConfig, facts, workerThreads, DECIDING, 'listed')
      }
      return { works: { long: await work(LONG), short: await work(FEW) }, close: () => workerThreads.close() }
    },
  }
}

/** Each rule has a second condition, which doesn't hold. */
function rulesWithOneList(where: string, recipient: (seed: number) => string): Contest {
  return {
    rows: [
      {
        name: `1,000 rules with the same list of 100,000 against 10, recipient ${where}`,
        of: '1000',
        against: `${FEW}`,
      },
    ],
    async prepare(inputs) {
      const workerThreads = openWorkerThreads()
      const facts = await readyFacts(samples(inputs, recipient))
      const lists = { list: boxes(LONG) }
      const works = [FEW, 1000].map(count => {
        const rules = Array.from({ length: count - 1 }, (_, number) =>
          rule(`listed-${number}`, 'recipient = file:list', `size = > ${number + 1}mb`),
        )
        const activeConfig = compiled(
          [...rules, rule(DECIDING, 'recipient = @example.com')].join('\n'),
          lists,
        )
        return [`${count}`, decideInTurn(activeConfig, facts, workerThreads, DECIDING)] as const
      })
      return { works: Object.fromEntries(works), close: () => workerThreads.close() }
    },
  }
}

function cheapFacts(count: number): CheapFacts[] {
  return samples(count).map(({ envelope }) => ({
    envelope,
    nowMs: NOW_MS,
    trace: () => ({
      forCandidates: envelope.recipients.map(({ address }) => address),
      returnPathCandidates: [envelope.sender],
    }),
  }))
}

function passing(rules: string, mails: readonly CheapFacts[]): Work {
  const { policy } = compiled(rules)
  return inTurn(mails, mail => {
    if (mightMatchAnyRule(policy, mail)) throw new Error('a mail is looked at that no rule concerns')
  })
}

function samples(count: number, recipient?: (seed: number) => string): Sample[] {
  return Array.from({ length: count }, (_, seed) =>
    textSample(seed, recipient && { recipient: recipient(seed) }),
  )
}

function boxes(count: number): string {
  return Array.from({ length: count }, (_, number) => `box${number}@example.com`).join('\n')
}
