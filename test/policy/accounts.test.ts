// The account that bounces a mail: by the domain of its recipient, and in which order.

import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { laneName, parseLane } from '../../src/lane'
import { compileAccounts, laneFor } from '../../src/policy/accounts'
import { decideNow, mail, policy } from './support'

/** Each account is the line of its domains; their numbers are 000000000001 and so on. */
function settingsOf(...domains: string[]) {
  const sections = domains.map((line, index) => {
    const number = String(index + 1).padStart(12, '0')
    return `[account.a${index + 1}]\nrole = arn:aws:iam::${number}:role/bounce\ndomains = ${line}\n`
  })
  const { settings, diagnostics } = loadSettings(parseSettings(sections.join('')), {})
  // the one warning that such settings may have is of an account behind a wider one
  assert.deepEqual(
    diagnostics.filter(({ message }) => !message.endsWith('already, and the first account counts')),
    [],
  )
  return settings
}

describe('the account of a recipient', () => {
  const accountOf = (domains: string[], recipient: string) =>
    laneFor(compileAccounts(settingsOf(...domains).accounts), 'eu-west-1', recipient)?.account?.name

  const cases: [domains: string[], recipient: string, account: string | undefined][] = [
    [['example.org', '@.example.net'], 'user@example.org', 'a1'],
    [['example.org', '@.example.net'], 'user@EXAMPLE.org', 'a1'],
    [['example.org', '@.example.net'], 'user@sub.example.org', undefined],
    [['example.org', '@.example.net'], 'user@example.net', 'a2'],
    [['example.org', '@.example.net'], 'user@a.b.example.net', 'a2'],
    [['example.org', '@.example.net'], 'user@notexample.net', undefined],
    [['@example.org'], 'user@example.org', 'a1'],
    [['*.example.org'], 'user@a.b.example.org', 'a1'],
    [['*.example.org'], 'user@example.org', undefined],
    [['mx?.example.org'], 'user@mx1.example.org', 'a1'],
    [['mx?.example.org'], 'user@mx12.example.org', undefined],
    [['ÜBEL.example'], 'user@xn--bel-goa.example', 'a1'],
    [['xn--bel-goa.example'], 'user@übel.example', 'a1'],
    [['@.Übel.example, *.x'], 'user@a.xn--bel-goa.example', 'a1'],
    [['a.example', '*', 'b.example'], 'user@b.example', 'a2'],
    [['a.example', 'b.example', '*'], '"a@b"@b.example', 'a2'],
    [['*'], 'no address', undefined],
  ]
  for (const [domains, recipient, account] of cases) {
    it(`${recipient} is in ${account ?? 'none'} of ${domains.map((line, n) => `a${n + 1} (${line})`).join(', ')}`, () => {
      assert.equal(accountOf(domains, recipient), account)
    })
  }

  it('is none where the configuration has no accounts: the lane is the region', () => {
    assert.deepEqual(laneFor(compileAccounts([]), 'eu-west-1', 'user@example.org'), { lane: 'eu-west-1' })
  })

  it('makes the lane, with the region of the receipt, and stands in the decision', async () => {
    const { accounts } = settingsOf('example.org', 'example.com')
    const compiled = policy('[r]\naction = bounce', { settings: { accounts } })
    const facts = mail({ recipients: ['a@example.com'], receipt: { region: 'us-east-1' } })
    const [decision] = await decideNow(compiled, facts)
    assert.equal(decision?.bounce?.region, '000000000002/us-east-1')
    assert.equal(decision?.account, 'a2')
  })

  it('that is in none gets [fallback] no_receipt, beside recipients who are bounced, each in its own lane', async () => {
    const { accounts } = settingsOf('example.com', 'example.net')
    const ours = ['example.com', 'example.net', 'example.org']
    const compiled = policy('[r]\naction = bounce', { settings: { accounts }, ours })
    const facts = mail({ recipients: ['a@example.com', 'b@example.org', 'c@example.net'] })
    assert.deepEqual(
      (await decideNow(compiled, facts)).map(({ action, bounce, fallback }) => [
        action,
        bounce?.region ?? fallback,
      ]),
      [
        ['bounce', '000000000001/eu-west-1'],
        ['reject', { reason: 'no_receipt', detail: 'domain in no account' }],
        ['bounce', '000000000002/eu-west-1'],
      ],
    )
  })
})

describe('the name of a lane', () => {
  it('is that of the region, with an account before it where there is one', () => {
    for (const name of ['eu-west-1', '123456789012/eu-west-1', 'us-gov-west-1', ''])
      assert.equal(laneName(parseLane(name)), name)
    assert.deepEqual(parseLane('123456789012/eu-west-1'), { account: '123456789012', region: 'eu-west-1' })
    assert.deepEqual(parseLane('12345/eu-west-1'), { region: '12345/eu-west-1' })
  })
})
