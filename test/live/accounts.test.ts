// Several AWS accounts through a whole Haraka: each mail is bounced by the account of its recipient's domain, and what is
// wrong with one account leaves the others alone.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { Fault, FaultSubject } from '../../src/ses-emulator/faults'
import { type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { sesBounce } from './support/command'
import { type Product, startProduct } from './support/product'
import { until } from './support/wait'

const [FIRST, SECOND, SANDBOX] = ['111111111111', '222222222222', '333333333333']
const [FIRST_LANE, SECOND_LANE] = [`${FIRST}/eu-west-1`, `${SECOND}/eu-west-1`]
const roleIn = (account: string) => `arn:aws:iam::${account}:role/mail/ses-bounce`

const INI = {
  'account.first': {
    role: roleIn(FIRST),
    external_id: 'our-external-id',
    domains: 'first.example, @.first.example',
  },
  'account.second': { role: roleIn(SECOND), domains: '*.example' },
  'account.new': { role: roleIn(SANDBOX), domains: 'new.test' },
}

describe('several AWS accounts', function () {
  let ses: SesEmulator
  let product: Product
  before(async () => {
    ses = await startSesEmulator({
      intervalMs: 0,
      accounts: [
        {
          id: FIRST,
          roles: [{ name: 'mail/ses-bounce', externalId: 'our-external-id' }],
          identities: ['first.example'],
        },
        { id: SECOND, roles: [{ name: 'mail/ses-bounce' }], identities: ['second.example'] },
        { id: SANDBOX, identities: ['new.test'], isInSandbox: true },
      ],
    })
    product = await startProduct({
      localSes: ses,
      ini: { ...INI, limit: { interval: '20ms', slack: '0ms' }, ses: { endpoint: ses.url, timeout: '1s' } },
      haraka: {
        files: {
          'config/host_list': 'first.example\nsecond.example\nnew.test\n',
          'config/host_list_regex': '.*\\.elsewhere\n',
        },
      },
    })
  })
  beforeEach(() => ses.setFaults([]))
  after(async () => {
    await product.stop()
    await ses.close()
  })

  async function deliver(domain: string, region = 'eu-west-1'): Promise<string> {
    const receivedAt = new Date()
    const { reply, mail } = await product.deliver({ recipient: `user@${domain}`, receivedAt, region })
    assert.equal(reply.code, 250, reply.text)
    return mail.sesId
  }

  const jobOf = (sesId: string) => product.jobs({ sesId })[0]
  const becomes = (sesId: string, state: string) =>
    until(() => jobOf(sesId)?.state === state, { what: `the job of ${sesId} to be ${state}` })
  const callsOf = (account: string) =>
    ses.calls.filter(call => call.account === account && call.action === 'SendBounce')
  const assumed = (account: string) =>
    ses.calls.filter(({ action, params }) => action === 'AssumeRole' && params['RoleArn'] === roleIn(account))
  const onRole = (account: string, fault: Fault) => (subject: FaultSubject) =>
    subject.action === 'AssumeRole' && subject.params['RoleArn'] === roleIn(account) ? fault : undefined
  const said = (what: RegExp, since = 0) =>
    product.haraka
      .log()
      .slice(since)
      .filter(line => what.test(line))

  it('bounce each the mail to their own domains, by their role, which STS in the same region is asked for once', async () => {
    const mails = [
      await deliver('first.example'),
      await deliver('below.first.example'),
      await deliver('second.example', 'us-east-1'),
    ]
    for (const sesId of mails) await becomes(sesId, 'sent')
    assert.deepEqual(
      mails.map(sesId => jobOf(sesId)?.region),
      [FIRST_LANE, FIRST_LANE, `${SECOND}/us-east-1`],
    )
    assert.deepEqual(
      mails.map(sesId => {
        const call = ses.calls.find(({ input }) => input?.OriginalMessageId === sesId)
        return [call?.account, call?.region]
      }),
      [
        [FIRST, 'eu-west-1'],
        [FIRST, 'eu-west-1'],
        [SECOND, 'us-east-1'],
      ],
    )
    assert.deepEqual(
      [FIRST, SECOND].map(account => assumed(account).map(({ region }) => region)),
      [['eu-west-1'], ['us-east-1']],
    )
  })

  it('have a line in the log that names the account', async () => {
    const sesId = await deliver('second.example')
    await becomes(sesId, 'sent')
    assert.match(said(new RegExp(`rule=.* ses_id=${sesId}`))[0] ?? '', / account=second job=/)
    await product.haraka.waitForLog(new RegExp(`job=\\S+ region=${SECOND_LANE} ses_id=${sesId} .* sent`))
  })

  it('keep a mail to a domain of ours that is in none of them in the quarantine, and say why', async () => {
    const { reply, mail } = await product.deliver({ recipient: 'user@our.elsewhere' })
    assert.equal(reply.code, 250, reply.text)
    assert.match(
      said(new RegExp(`rule=.* ses_id=${mail.sesId}`))[0] ?? '',
      /action=quarantine .* because=no_receipt detail="domain in no account"/,
    )
    assert.equal(jobOf(mail.sesId), undefined)
    const folder = path.join(product.haraka.dir, 'ses-bounce/quarantine')
    const records = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.json'))
      .map(name => readFileSync(path.join(folder, name), 'utf8'))
    assert.ok(records.some(text => text.includes('no_receipt: domain in no account')))
  })

  for (const [what, fault] of [
    ['throttles', { kind: 'throttle' }],
    ['is down', { kind: 'status', status: 503, body: 'Service Unavailable' }],
    ["can't be reached", { kind: 'reset' }],
    ['does not answer', { kind: 'silence' }],
    ["can't be read", { kind: 'garbage' }],
  ] as const) {
    it(`are tried again soon, and none is paused, when STS ${what}`, async () => {
      const since = product.haraka.log().length
      ses.endSessions(FIRST)
      const from = assumed(FIRST).length
      const calls = callsOf(FIRST).length
      ses.setFaults(subject => (assumed(FIRST).length < from + 2 ? onRole(FIRST, fault)(subject) : undefined))
      const sesId = await deliver('first.example')
      await becomes(await deliver('second.example'), 'sent')
      await becomes(sesId, 'sent')
      assert.equal(assumed(FIRST).length, from + 3)
      // the first call had credentials that SES had ended
      assert.equal(callsOf(FIRST).length, calls + 2)
      assert.deepEqual(said(/paused/, since), [])
    })
  }

  it('get new credentials at once when SES has ended the old ones, and none is paused', async () => {
    const since = product.haraka.log().length
    await becomes(await deliver('first.example'), 'sent')
    const from = assumed(FIRST).length
    ses.endSessions(FIRST)
    await becomes(await deliver('first.example'), 'sent')
    assert.equal(assumed(FIRST).length, from + 1)
    assert.equal(callsOf(FIRST).at(-2)?.outcome.code, 'ExpiredToken')
    assert.deepEqual(said(/paused/, since), [])
  })

  it('go on while one is in the sandbox, which pauses its lane and is called by its name', async () => {
    const since = product.haraka.log().length
    const sesId = await deliver('new.test')
    await product.haraka.waitForLog(/is paused/, { since })
    await becomes(await deliver('second.example'), 'sent')
    assert.match(
      said(/is paused/, since)[0] ?? '',
      new RegExp(
        `\\[ERROR\\].* region=${SANDBOX}/eu-west-1 is paused, .*account new is in the sandbox: 400 MessageRejected`,
      ),
    )
    assert.equal(jobOf(sesId)?.state, 'queued')
  })

  it('are lanes that an operator lists, pauses and resumes by their names', async () => {
    const { code, lines } = await sesBounce(product, 'queue', 'pause', '--region', FIRST_LANE)
    assert.deepEqual(
      { code, lines },
      { code: 0, lines: [`Paused: ${FIRST_LANE}. Jobs wait, and expire at their deadline.`] },
    )
    const waits = await deliver('first.example')
    await becomes(await deliver('second.example'), 'sent')
    assert.equal(jobOf(waits)?.state, 'queued')
    const listed = await sesBounce(product, 'queue', 'list', '--region', FIRST_LANE, '--json')
    assert.ok(listed.lines.some(line => line.includes(waits)))
    assert.ok(listed.lines.every(line => !line.includes(SECOND_LANE)))
    const stats = await sesBounce(product, 'queue', 'stats')
    assert.ok(
      stats.lines.some(line => line.includes(`${FIRST_LANE}: 1 queued`)),
      stats.lines.join('\n'),
    )
    const bare = await sesBounce(product, 'queue', 'pause', '--region', 'eu-west-1')
    assert.equal(bare.code, 2)
    const known = `${FIRST_LANE}, ${SECOND_LANE}, ${SANDBOX}/eu-west-1`
    assert.ok(
      bare.errors.some(line =>
        line.includes(`--region eu-west-1: the queue has no such region; there is ${known}`),
      ),
      bare.errors.join('\n'),
    )
    assert.equal((await sesBounce(product, 'queue', 'resume')).code, 0)
    await becomes(waits, 'sent')
  })

  it('go on while the role of one is refused, which the log and the views say once', async () => {
    const since = product.haraka.log().length
    ses.endSessions(FIRST)
    ses.setFaults(onRole(FIRST, { kind: 'denied' }))
    const before = assumed(FIRST).length
    const waiting = [await deliver('first.example'), await deliver('first.example')]
    await product.haraka.waitForLog(new RegExp(`region=${FIRST_LANE} is paused`), { since })
    await becomes(await deliver('second.example'), 'sent')
    assert.equal(assumed(FIRST).length, before + 1)

    const [paused = '', ...more] = said(/is paused|works again/, since)
    assert.match(
      paused,
      /\[ERROR\].* is paused, .*account first: its role can't be assumed: 403 AccessDenied: .*sts:AssumeRole/,
    )
    assert.deepEqual(more, [])
    assert.deepEqual(
      waiting.map(sesId => jobOf(sesId)?.state),
      ['queued', 'queued'],
    )
    const stats = await sesBounce(product, 'queue', 'stats')
    assert.ok(
      stats.lines.some(line =>
        line.startsWith(`There are no AWS credentials for ${FIRST_LANE}, so SES isn't asked: `),
      ),
      stats.lines.join('\n'),
    )
  })
})
