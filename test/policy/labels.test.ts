// anna+shop@ is anna@ to the conditions on recipients: as SES's own receipt rules have it.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { decideNow, mail, policy, SETTINGS } from './support'

const separatedBy = (labelSeparator: string) => ({
  settings: { relay: { ...SETTINGS.relay, labelSeparator } },
})

/** Whether a rule with this condition holds for the recipient. */
async function holds(condition: string, recipient: string, parts: Parameters<typeof policy>[1] = {}) {
  const rules = policy(`[rule]\n${condition}\naction = drop\n`, parts)
  const [decision] = await decideNow(
    rules,
    mail({ recipients: [recipient], sender: recipient, addresses: { to: [recipient] } }),
  )
  return decision?.rule === 'rule'
}

describe('a label of a recipient', () => {
  it('is removed for plain patterns, globs and lists', async () => {
    const lists = { lists: { mailboxes: 'anna@example.com\nb*@example.com\n' } }
    for (const recipient of ['anna@example.com', 'anna+shop@example.com', 'Anna+Shop+x@EXAMPLE.com']) {
      for (const key of ['recipient', 'envelope.recipient']) {
        assert.ok(await holds(`${key} = anna@example.com`, recipient), recipient)
        assert.ok(await holds(`${key} = "anna@example.com"`, recipient), recipient)
        assert.ok(await holds(`${key} = ann?@example.com`, recipient), recipient)
        assert.ok(await holds(`${key} = a*a@*.com`, recipient), recipient)
        assert.ok(await holds(`${key} = file:mailboxes`, recipient, lists), recipient)
        assert.ok(!(await holds(`not.${key} = file:mailboxes`, recipient, lists)), recipient)
      }
    }
    assert.ok(await holds('recipient = file:mailboxes', 'bo+x@example.com', lists))
    assert.ok(!(await holds('recipient = anna@example.com', 'annax+shop@example.com')))
    assert.ok(!(await holds('recipient = anna@example.com', 'anna+shop@example.org')))
  })

  it('counts as written for a pattern that has one', async () => {
    assert.ok(await holds('recipient = anna+shop@example.com', 'anna+SHOP@example.com'))
    assert.ok(!(await holds('recipient = anna+shop@example.com', 'anna@example.com')))
    assert.ok(!(await holds('recipient = anna+shop@example.com', 'anna+shop+x@example.com')))
    assert.ok(!(await holds('recipient = *+sh?p@example.com', 'anna@example.com')))
    assert.ok(await holds('recipient = *+sh?p@example.com', 'anna+shop@example.com'))
    assert.ok(!(await holds('recipient = +@example.com', '+x@example.com')))
  })

  it('counts as written for expressions, and for other conditions', async () => {
    assert.ok(!(await holds('recipient = /^anna@/', 'anna+shop@example.com')))
    for (const key of ['sender', 'envelope.sender', 'to'])
      assert.ok(!(await holds(`${key} = anna@example.com`, 'anna+shop@example.com')), key)
  })

  it('has the separator that is set, or counts as written without one', async () => {
    const condition = 'recipient = anna@example.com'
    assert.ok(await holds(condition, 'anna-shop@example.com', separatedBy('-')))
    assert.ok(!(await holds(condition, 'anna+shop@example.com', separatedBy('-'))))
    assert.ok(!(await holds(condition, 'anna+shop@example.com', separatedBy(''))))
    assert.ok(await holds(condition, 'anna@example.com', separatedBy('')))
  })

  it('is removed alike by a rule, a list and the index of rules', async () => {
    const local = fc.array(fc.constantFrom('a', 'b', '+', '*', '?'), { minLength: 1, maxLength: 4 })
    const name = fc.array(fc.constantFrom('a', 'b', '+'), { minLength: 1, maxLength: 5 })
    let held = 0
    await fc.assert(
      fc.asyncProperty(local, name, async (patternParts, nameParts) => {
        const [pattern, recipient] = [
          `${patternParts.join('')}@example.com`,
          `${nameParts.join('')}@example.com`,
        ]
        const expected = isMeant(patternParts.join(''), nameParts.join(''))
        assert.equal(await holds(`recipient = ${pattern}`, recipient), expected)
        assert.equal(await holds('recipient = file:l', recipient, { lists: { l: `${pattern}\n` } }), expected)
        // an open condition isn't looked up
        assert.equal(await holds(`not.recipient = ${pattern}`, recipient), !expected)
        if (expected) held++
      }),
      { numRuns: 600 },
    )
    assert.ok(held > 60, `${held} held`)
  })
})

describe('a role address', () => {
  it('that a rule names without a label may be bounced with one', async () => {
    const rules = policy(
      '[all]\nrecipient = postmaster@example.com\naction = bounce\nbounce.type = Undefined\n',
    )
    const [decision] = await decideNow(rules, mail({ recipients: ['postmaster+x@example.com'] }))
    assert.equal(decision?.action, 'bounce', decision?.fallback?.detail)
  })
})

/** The pattern on the local part, said slowly. */
function isMeant(pattern: string, name: string): boolean {
  const expression = new RegExp(
    `^${pattern.replaceAll('+', '\\+').replaceAll('?', '.').replaceAll('*', '.*')}$`,
  )
  const label = name.indexOf('+')
  const unlabelled = label > 0 ? name.slice(0, label) : name
  return expression.test(name) || (!pattern.includes('+') && expression.test(unlabelled))
}
