// `check --online` with several AWS accounts: what is asked of each, by the real SDK from the emulator as SES and STS.

import assert from 'node:assert/strict'
import type { EmulatorAccount, Fault, SesEmulatorOptions } from '../../src/ses-emulator/server'
import { onlineSuite } from './online-suite'
import { environment, runJson, runOnline } from './online-support'

const [ONE, TWO] = ['111111111111', '222222222222']
const role = (account: string) => `arn:aws:iam::${account}:role/ses-bounce`
const SECTIONS = `[account.one]
role = ${role(ONE)}
external_id = our-id
domains = one.example
[account.two]
role = ${role(TWO)}
domains = two.example
`
const CONFIGURED = { ses: `regions = eu-west-1\n${SECTIONS}`, domains: ['one.example', 'two.example'] }
const ACCOUNTS: EmulatorAccount[] = [
  { id: ONE, roles: [{ name: 'ses-bounce', externalId: 'our-id' }], identities: ['one.example'] },
  { id: TWO, roles: [{ name: 'ses-bounce' }], identities: ['two.example'] },
]
const TAKES =
  'this needs sts:GetCallerIdentity (always permitted) and sts:AssumeRole, and of each role ses:GetIdentityVerificationAttributes, ses:SendBounce, ses:GetSendQuota and ses:GetAccountSendingEnabled'
const CALLED =
  'SendBounce was called once a region, for no mail that there is: nothing was bounced; a running dispatcher may be throttled once'
const fine = (name: string, account: string) => [
  `${name} in eu-west-1: ${role(account)} can be assumed`,
  `${name} in eu-west-1: verified: ${name}.example`,
  `${name} in eu-west-1: SendBounce is permitted`,
  `${name} in eu-west-1: production access: 0 of 50,000 a day were sent`,
]

describe('check --online with several accounts', () => {
  const { start, ses, env, directory, run } = onlineSuite()
  const begin = (options: SesEmulatorOptions = {}) => start({ accounts: ACCOUNTS, ...options })
  const ofTwo = async (options: SesEmulatorOptions) => {
    await begin(options)
    const { code, online } = await run(CONFIGURED)
    assert.deepEqual(online.slice(1, 5), fine('one', ONE))
    return { code, said: online.flatMap(line => /^two in eu-west-1: (.*)$/.exec(line)?.[1] ?? []) }
  }
  const forTwo = (action: string, fault: Fault): SesEmulatorOptions => ({
    faults: ({ action: asked, account, params }) =>
      asked === action && (account === TWO || params['RoleArn'] === role(TWO)) ? fault : undefined,
  })

  it('asks for each its role, identities, permission, production access and quota, with the credentials of its role', async () => {
    await begin()
    const { code, online } = await run(CONFIGURED)
    assert.deepEqual(online, [
      'the credentials are of arn:aws:iam::123456789012:user/local-ses',
      ...fine('one', ONE),
      ...fine('two', TWO),
      TAKES,
      CALLED,
    ])
    assert.equal(code, 0)
    const made = ses().calls.filter(({ action }) => action === 'SendBounce')
    assert.deepEqual(
      made.map(({ account, input }) => [account, input?.BounceSender]),
      [
        [ONE, 'mailer-daemon@one.example'],
        [TWO, 'mailer-daemon@two.example'],
      ],
    )
    assert.ok(ses().calls.every(({ outcome }) => !outcome.carriedOut))
  })

  it('names account and lane in its JSON', async () => {
    await begin()
    const { answer } = await runJson(directory(CONFIGURED), env())
    assert.deepEqual(
      answer.online?.regions.map(({ account, region }) => [account, region]),
      [
        ['one', `${ONE}/eu-west-1`],
        ['two', `${TWO}/eu-west-1`],
      ],
    )
    const [one] = answer.online?.regions ?? []
    assert.equal(one?.role?.result, 'fine')
    assert.deepEqual(
      one?.quota?.map(({ action, result }) => [action, result]),
      [['ses:GetSendQuota', 'fine']],
    )
  })

  it('asks the STS that stands beside an emulator on this machine, without a variable that names it', async () => {
    await begin()
    const { code, online } = await runOnline(directory(CONFIGURED), environment())
    assert.equal(code, 0, online.join('\n'))
    assert.equal(online.length, 11)
  })

  it('has an error for a role that is refused, and asks nothing further of that account', async () => {
    const { code, said } = await ofTwo(forTwo('AssumeRole', { kind: 'denied' }))
    assert.equal(code, 1)
    assert.deepEqual(said, [
      `error: ${role(TWO)} can't be assumed: there must be such a role, its trust policy must name these credentials and this external_id, and these credentials need sts:AssumeRole on it (AccessDenied: User: arn:aws:iam::123456789012:user/local-ses is not authorized to perform: sts:AssumeRole on resource: ${role(TWO)})`,
    ])
    assert.deepEqual(
      ses().calls.filter(({ account }) => account === TWO),
      [],
    )
  })

  it('has an error for a wrong external id', async () => {
    const { code, said } = await ofTwo({
      accounts: [
        ...ACCOUNTS.slice(0, 1),
        { id: TWO, roles: [{ name: 'ses-bounce', externalId: 'another' }] },
      ],
    })
    assert.equal(code, 1)
    assert.match(said.join(), /^error: \S+ can't be assumed: .*external_id/)
  })

  it('leaves open what STS does not answer', async () => {
    const { code, said } = await ofTwo(
      forTwo('AssumeRole', { kind: 'status', status: 503, body: 'Service Unavailable' }),
    )
    assert.equal(code, 0)
    assert.match(said.join(), /^whether \S+ can be assumed could not be established: /)
  })

  it('has an error for a bounce sender that the account of its domain has not verified', async () => {
    const { code, said } = await ofTwo({
      accounts: [
        { id: ONE, identities: ['one.example', 'two.example'] },
        { id: TWO, identities: ['other.example'] },
      ],
    })
    assert.equal(code, 1)
    assert.match(said[1] ?? '', /^error: bounce sender mailer-daemon@two\.example is not verified/)
  })

  it('warns of an account that seems to be in the sandbox', async () => {
    const { code, said } = await ofTwo({
      accounts: [
        { id: ONE, identities: ['one.example'] },
        { id: TWO, identities: ['two.example', 'mailer-daemon@two.example'], isInSandbox: true },
      ],
    })
    assert.equal(code, 0)
    assert.equal(
      said.at(-1),
      'warning: account two seems to be in the sandbox, where SES sends only to verified addresses: 0 of 200 a day were sent, 1 a second; request production access',
    )
  })

  it('has an error for an account whose sending is paused, and for a quota that is used up', async () => {
    const { code, said } = await ofTwo({
      accounts: [
        { id: ONE, identities: ['one.example'] },
        { id: TWO, identities: ['two.example'], isPaused: true, quota: 0 },
      ],
    })
    assert.equal(code, 1)
    assert.deepEqual(said.slice(-3), [
      'error: SES sends nothing for this account now (MessageRejected: Sending paused for this account.)',
      'error: the daily quota is used up: 0 of 0 a day were sent',
      'error: sending is paused for account two',
    ])
  })

  it('leaves quota and sending open without their permissions, which --strict makes an error', async () => {
    await begin({
      faults: ({ action }) =>
        action === 'GetSendQuota' || action === 'GetAccountSendingEnabled' ? { kind: 'denied' } : undefined,
    })
    const { code, online } = await run(CONFIGURED)
    assert.equal(code, 0)
    assert.ok(
      online.some(line =>
        line.startsWith(
          'two in eu-west-1: production access and daily quota could not be established: AccessDenied',
        ),
      ),
      online.join('\n'),
    )
    assert.equal((await run(CONFIGURED, ['--strict'])).code, 1)
  })
})
