// Questions to the emulator beside SendBounce, by the real SDK: the owner of the credentials, verified identities.

import assert from 'node:assert/strict'
import { GetIdentityVerificationAttributesCommand, SESClient } from '@aws-sdk/client-ses'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import {
  EMULATOR_CREDENTIALS,
  type SesEmulator,
  type SesEmulatorOptions,
  startSesEmulator,
} from '../../src/ses-emulator/server'
import { INPUT, raw, refused, send, unproved } from './helpers'

const WRONG = { accessKeyId: 'NOBODY', secretAccessKey: 'secret' }

describe('the SES emulator, asked for facts,', () => {
  let ses: SesEmulator
  const start = async (options: SesEmulatorOptions = {}) =>
    (ses = await startSesEmulator({ intervalMs: 0, ...options }))
  afterEach(() => ses.close())

  const config = (region: string, credentials = EMULATOR_CREDENTIALS) => ({
    endpoint: ses.url,
    region,
    // a copy, as the SDK adds to them
    credentials: { ...credentials },
    maxAttempts: 1,
  })
  async function verified(identities: string[], region = 'eu-west-1', credentials = EMULATOR_CREDENTIALS) {
    const client = new SESClient(config(region, credentials))
    const command = new GetIdentityVerificationAttributesCommand({ Identities: identities })
    const { VerificationAttributes } = await client.send(command).finally(() => client.destroy())
    return Object.entries(VerificationAttributes ?? {}).map(([name, value]) => [
      name,
      value.VerificationStatus,
    ])
  }
  async function whoAmI(credentials = EMULATOR_CREDENTIALS) {
    const client = new STSClient(config('eu-west-1', credentials))
    const { Account, Arn, UserId } = await client
      .send(new GetCallerIdentityCommand({}))
      .finally(() => client.destroy())
    return { Account, Arn, UserId }
  }
  const post = (fields: Record<string, string>, service = 'ses') => {
    const headers = unproved()
    const authorization = headers.authorization?.replace('/ses/', `/${service}/`) ?? ''
    return raw(ses, new URLSearchParams(fields).toString(), { ...headers, authorization })
  }
  const codeOf = (body: string) => /<Code>(.*)<\/Code>/.exec(body)?.[1]

  describe('whose the credentials are', () => {
    it('names an account and a user, and counts as no bounce', async () => {
      await start()
      assert.deepEqual(await whoAmI(), {
        Account: '123456789012',
        Arn: 'arn:aws:iam::123456789012:user/local-ses',
        UserId: 'AIDALOCALSESLOCALSES',
      })
      assert.deepEqual(ses.calls[0]?.outcome, { status: 200, carriedOut: false })
      assert.equal(ses.calls[0]?.input, undefined)
    })
    it('refuses keys that it does not know', async () => {
      await start()
      await refused(whoAmI(WRONG), ses, 403, 'InvalidClientTokenId')
    })
    it('requires a signature for STS, which SES does not accept', async () => {
      await start({ credentials: 'any' })
      const sts = { Action: 'GetCallerIdentity', Version: '2011-06-15' }
      assert.equal((await post(sts, 'sts')).status, 200)
      assert.match((await post(sts, 'ses')).body, /SignatureDoesNotMatch[^]*service: 'sts'/)
      const identities = {
        Action: 'GetIdentityVerificationAttributes',
        Version: '2010-12-01',
        Identities: '',
      }
      assert.match((await post(identities, 'sts')).body, /SignatureDoesNotMatch[^]*service: 'ses'/)
    })
    it("accepts STS's version and no parameter, and refuses in the XML of STS", async () => {
      await start({ credentials: 'any' })
      const sts = { Action: 'GetCallerIdentity', Version: '2010-12-01' }
      assert.equal(codeOf((await post(sts, 'sts')).body), 'InvalidAction')
      const { body } = await post({ ...sts, Version: '2011-06-15', Identities: 'a' }, 'sts')
      assert.match(body, /^<ErrorResponse xmlns="https:\/\/sts\.amazonaws\.com\/doc\/2011-06-15\/">/)
      assert.match(body, /Identities is not a parameter of GetCallerIdentity/)
    })
  })

  describe('what is verified', () => {
    it('says Success to everything where any identity is known', async () => {
      await start()
      assert.deepEqual(await verified(['a@b.example', 'c.example']), [
        ['a@b.example', 'Success'],
        ['c.example', 'Success'],
      ])
    })
    it('names the identities themselves, and not what they cover', async () => {
      await start({ identities: ['yours.example', 'One@Else.example'] })
      const asked = [
        'YOURS.example',
        'a.yours.example',
        'a@yours.example',
        'One@else.example',
        'one@else.example',
      ]
      assert.deepEqual(await verified(asked), [
        ['YOURS.example', 'Success'],
        ['One@else.example', 'Success'],
      ])
      ses.addIdentity('a.yours.example')
      assert.deepEqual(await verified(['a.yours.example']), [['a.yours.example', 'Success']])
    })
    it('has nothing to say of nothing', async () => {
      await start()
      assert.deepEqual(await verified([]), [])
    })
    it('accepts one call in the interval for each region, apart from those of SendBounce', async () => {
      let nowMs = 0
      await start({ intervalMs: 1000, monotonicClock: () => nowMs })
      await verified(['a.example'])
      await send(ses)
      await verified(['a.example'], 'us-east-1')
      nowMs = 999
      await refused(verified(['a.example']), ses, 400, 'Throttling')
      nowMs = 1000
      await verified(['a.example'])
    })
    it('accepts a hundred identities, and no more', async () => {
      await start()
      const many = Array.from({ length: 101 }, (_, n) => `${n}.example`)
      assert.equal((await verified(many.slice(1))).length, 100)
      assert.match(await refused(verified(many), ses, 400, 'InvalidParameterValue'), /at most 100/)
    })
    it('refuses what is neither an address nor a domain, and other parameters', async () => {
      await start({ credentials: 'any' })
      const action = { Action: 'GetIdentityVerificationAttributes', Version: '2010-12-01' }
      for (const text of ['a b', '@b.example', 'a..example', '', 'a@b@c.example', 'x\u0000.example']) {
        const { body } = await post({ ...action, 'Identities.member.1': text })
        assert.match(body, /<Code>InvalidParameterValue<\/Code>\s*<Message>Identities\.member\.1 must /, text)
      }
      assert.equal(codeOf((await post(action)).body), 'ValidationError')
      const below = { ...action, 'Identities.member.1': 'a.example', 'Identities.member.1.Name': 'a' }
      assert.match((await post(below)).body, /Identities\.member\.1\.Name is not a parameter/)
      assert.match(
        (await post({ ...action, Identities: '', OriginalMessageId: 'a' })).body,
        /OriginalMessageId is not a parameter of GetIdentityVerificationAttributes/,
      )
    })
  })

  describe('for a bounce of a mail that SES can not have received', () => {
    it('refuses it although any message is known', async () => {
      await start()
      for (const id of ['<a@b.example>', '0100018f-aaaa-000000', 'a_b', 'ABC']) {
        const sent = send(ses, { ...INPUT, OriginalMessageId: id })
        assert.match(await refused(sent, ses, 400, 'MessageRejected'), /was not found in region eu-west-1/)
      }
    })
    it('accepts other forms of ids than the usual one', async () => {
      await start()
      for (const id of ['0', 'o3vrnil0e2ic28tr', 'xyz'.repeat(20)]) {
        await send(ses, { ...INPUT, OriginalMessageId: id })
      }
    })
  })

  describe('by a user that IAM denies it to', () => {
    it('names the action, and the identity of a call that sends', async () => {
      await start({
        faults: ({ action }) => (action === 'GetCallerIdentity' ? undefined : { kind: 'denied' }),
      })
      await whoAmI()
      const who = 'arn:aws:iam::123456789012:user/local-ses'
      await assert.rejects(send(ses), {
        name: 'AccessDenied',
        message: `User \`${who}' is not authorized to perform \`ses:SendBounce' on resource \`arn:aws:ses:eu-west-1:123456789012:identity/mailer-daemon@yours.example'`,
      })
      await assert.rejects(verified(['a.example']), {
        name: 'AccessDenied',
        message: `User: ${who} is not authorized to perform: ses:GetIdentityVerificationAttributes`,
      })
      assert.deepEqual(
        ses.calls.map(({ outcome }) => [outcome.status, outcome.fault, outcome.carriedOut]),
        [
          [200, undefined, false],
          [403, 'denied', false],
          [403, 'denied', false],
        ],
      )
    })
  })
})
