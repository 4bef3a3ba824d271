import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Asked, failingCondition, valuesByRecipient } from '../../src/policy/evaluate'
import { SYNC_ONLY } from '../../src/policy/match-budget'
import type { Policy } from '../../src/policy/rule'
import { Subject } from '../../src/policy/subject'
import { MAILS, RULES } from './arbitraries'
import { budget, mail, NOW_MS, policy } from './support'

function candidates(made: Policy, address: string): string[] {
  const subjects = [new Subject(address)]
  return [...made.index.candidates(() => subjects)].map(({ name }) => name)
}

describe('the index of rules', () => {
  it('names the rules that an address can be for, in their order', () => {
    const made = policy(
      [
        '[key]\nrecipient = a@x.example',
        '[host]\nrecipient = @x.example, @z.example',
        '[other]\nrecipient = @other.example',
        '[parent]\nrecipient = @.example',
        '[open]\nsize = 5kb',
        '[glob]\nrecipient = b*@x.example',
        '[wild]\nrecipient = *@*.test',
        '[not]\nnot.recipient = @x.example',
        '[list]\nrecipient = file:l',
        '[both]\nrecipient = q@q.example, file:l',
        '[regex]\nrecipient = /never/',
        '[null]\nrecipient = <>',
      ].join('\naction = drop\n') + '\naction = drop',
      { lists: { l: 'c@x.example\n@y.example' } },
    )
    const open = ['open', 'wild', 'not', 'regex']
    const inOrder = (...more: string[]) =>
      made.rules.map(({ name }) => name).filter(name => [...open, ...more].includes(name))
    assert.deepEqual(candidates(made, 'A@X.example'), inOrder('key', 'host', 'parent', 'glob'))
    assert.deepEqual(candidates(made, 'c@x.example'), inOrder('host', 'parent', 'glob', 'list', 'both'))
    assert.deepEqual(candidates(made, 'u@sub.y.example'), inOrder('parent'))
    assert.deepEqual(candidates(made, ''), inOrder('null'))
    assert.deepEqual(candidates(made, 'no address'), open)
  })

  it('never leaves out a rule that holds', async () => {
    await fc.assert(
      fc.asyncProperty(RULES, MAILS, async (rules, parts) => {
        const made = policy(rules('r'))
        const facts = mail(parts)
        const valuesFor = valuesByRecipient(facts, NOW_MS, budget())
        for (const recipient of facts.recipients) {
          const values = valuesFor(recipient)
          const found = [...made.index.candidates(condition => (values(condition) as Asked).subjects)]
          assert.deepEqual(
            found,
            made.rules.filter(rule => found.includes(rule)),
            'in the order of the rules',
          )
          for (const rule of made.rules) {
            if ((await failingCondition(rule, values, budget())) === undefined)
              assert(found.includes(rule), rule.name)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('returns every rule about a field that is not known yet', () => {
    const made = policy(
      '[a]\nrecipient = x@x.example\naction = drop\n[b]\nsender = y@y.example\naction = drop',
    )
    assert.deepEqual([...made.index.candidates(() => undefined)], made.rules)
  })

  it('reads a field only when a rule asks for it', () => {
    const made = policy('[a]\nrecipient = @x.example\naction = drop\n[b]\nfrom = y@y.example\naction = drop')
    const read: string[] = []
    for (const rule of made.index.candidates(({ field }) => {
      read.push(field.name)
      return [new Subject('u@x.example')]
    })) {
      if (rule.name === 'a') break
    }
    assert.deepEqual(read, ['recipient'])
  })

  it('asks a list of 100,000 addresses once, however many rules name it', () => {
    const l = Array.from({ length: 100_000 }, (_, i) => `user${i}@d${i % 1000}.example`).join('\n')
    const rules = Array.from(
      { length: 200 },
      (_, i) => `[r${i}]\nrecipient = file:l\nsize = > ${i}mb\naction = drop`,
    )
    const made = policy(rules.join('\n'), { lists: { l } })
    const list = made.rules[0]?.conditions.find(({ field }) => field.name === 'recipient')?.matcher.lists[0]
    assert(list)
    let asked = 0
    const matches = list.matches.bind(list)
    list.matches = (subject, yieldPolicy) => {
      asked++
      return matches(subject, yieldPolicy)
    }
    assert.deepEqual(candidates(made, 'nobody@d1.example'), [])
    assert.equal(candidates(made, 'user77777@d777.example').length, 200)
    assert.equal(asked, 2)
    assert.equal(matches(new Subject('user3@d3.example'), SYNC_ONLY), true)
  })
})
