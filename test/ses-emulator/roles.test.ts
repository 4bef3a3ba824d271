// The emulator as STS: roles, sessions and their end, and what belongs to each account, by the real SDK.

import assert from 'node:assert/strict'
import { GetAccountSendingEnabledCommand, GetSendQuotaCommand, SESClient } from '@aws-sdk/client-ses'
import {
  AssumeRoleCommand,
  type AssumeRoleCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import {
  EMULATOR_CREDENTIALS,
  type SesEmulator,
  type SesEmulatorOptions,
  startSesEmulator,
} from '../../src/ses-emulator/server'
import { INPUT, raw, refused, send, unproved } from './helpers'

const [ONE, TWO] = ['111111111111', '222222222222']
const HOUR_MS = 3_600_000
const roleIn = (account: string, name = 'bounce') => `arn:aws:iam::${account}:role/${name}`

interface Keys {
  accessKeyId: string
  secretAccessKey: string
  sessionToken: string
}

describe('a role of the emulator', () => {
  let ses: SesEmulator
  const start = async (options: SesEmulatorOptions = {}) => {
    ses = await startSesEmulator({ intervalMs: 0, ...options })
  }
  afterEach(() => ses.close())

  const client = { region: 'eu-west-1', maxAttempts: 1 }
  async function assume(input: Partial<AssumeRoleCommandInput> = {}, region = 'eu-west-1') {
    const sts = new STSClient({
      ...client,
      region,
      endpoint: ses.url,
      credentials: { ...EMULATOR_CREDENTIALS },
    })
    const command = new AssumeRoleCommand({ RoleArn: roleIn(ONE), RoleSessionName: 'test', ...input })
    return sts.send(command).finally(() => sts.destroy())
  }
  async function keysOf(account: string): Promise<Keys> {
    const { Credentials } = await assume({ RoleArn: roleIn(account) })
    assert.ok(Credentials?.AccessKeyId && Credentials.SecretAccessKey && Credentials.SessionToken)
    return {
      accessKeyId: Credentials.AccessKeyId,
      secretAccessKey: Credentials.SecretAccessKey,
      sessionToken: Credentials.SessionToken,
    }
  }

  it('gives credentials of its account for an hour, which sign calls as itself', async () => {
    await start()
    const beforeMs = Date.now()
    const said = await assume({ RoleArn: roleIn(ONE, 'mail/bounce') })
    const leftMs = (said.Credentials?.Expiration?.getTime() ?? 0) - beforeMs
    assert.ok(leftMs > HOUR_MS - 2000 && leftMs <= HOUR_MS + 5000, `${leftMs} ms`)
    assert.equal(said.AssumedRoleUser?.Arn, `arn:aws:sts::${ONE}:assumed-role/bounce/test`)
    const credentials = await keysOf(ONE)
    const sts = new STSClient({ ...client, endpoint: ses.url, credentials })
    const who = await sts.send(new GetCallerIdentityCommand({})).finally(() => sts.destroy())
    assert.deepEqual([who.Account, who.Arn], [ONE, `arn:aws:sts::${ONE}:assumed-role/bounce/test`])
    await send(ses, INPUT, { credentials })
    assert.deepEqual(
      ses.calls.map(({ action, account }) => [action, account]),
      [
        ['AssumeRole', undefined],
        ['AssumeRole', undefined],
        ['GetCallerIdentity', ONE],
        ['SendBounce', ONE],
      ],
    )
  })

  it('has credentials that need their token, their secret and their time', async () => {
    let nowMs = Date.now()
    await start({ clock: () => nowMs, sessionMs: 60_000 })
    const credentials = await keysOf(ONE)
    const sent = (changes: Partial<Keys>) => send(ses, INPUT, { credentials: { ...credentials, ...changes } })
    await sent({})
    await refused(sent({ sessionToken: 'another' }), ses, 403, 'InvalidClientTokenId')
    const { sessionToken: _none, ...without } = credentials
    await refused(send(ses, INPUT, { credentials: without }), ses, 403, 'InvalidClientTokenId')
    await refused(sent({ secretAccessKey: 'another' }), ses, 403, 'SignatureDoesNotMatch')
    nowMs += 59_000
    await send(ses, INPUT, { credentials, systemClockOffset: 59_000 })
    nowMs += 1000
    const late = send(ses, INPUT, { credentials, systemClockOffset: 60_000 })
    assert.match(await refused(late, ses, 403, 'ExpiredToken'), /expired/)
  })

  it('loses its credentials on demand, alone', async () => {
    await start()
    const [one, two] = [await keysOf(ONE), await keysOf(TWO)]
    ses.endSessions(ONE)
    await refused(send(ses, INPUT, { credentials: one }), ses, 403, 'ExpiredToken')
    await send(ses, INPUT, { credentials: two })
  })

  it('can be assumed only where it is known, with its external id', async () => {
    await start({
      accounts: [{ id: ONE, roles: [{ name: 'bounce', externalId: 'ours' }, { name: 'open' }] }],
    })
    await assume({ ExternalId: 'ours' })
    await assume({ RoleArn: roleIn(ONE, 'open') })
    for (const input of [
      {},
      { ExternalId: 'another' },
      { RoleArn: roleIn(ONE, 'open'), ExternalId: 'ours' },
      { RoleArn: roleIn(ONE, 'unknown') },
      { RoleArn: roleIn(TWO) },
    ]) {
      const text = await refused(assume(input), ses, 403, 'AccessDenied')
      assert.equal(
        text,
        `User: arn:aws:iam::123456789012:user/local-ses is not authorized to perform: sts:AssumeRole on resource: ${input.RoleArn ?? roleIn(ONE)}`,
      )
    }
  })

  it('is refused with the field that is wrong', async () => {
    await start({ credentials: 'any' })
    const post = async (fields: Record<string, string>) => {
      const headers = unproved()
      const authorization = headers['authorization']?.replace('/ses/', '/sts/') ?? ''
      const all = {
        Action: 'AssumeRole',
        Version: '2011-06-15',
        RoleArn: roleIn(ONE),
        RoleSessionName: 'test',
      }
      const body = new URLSearchParams({ ...all, ...fields }).toString()
      const said = await raw(ses, body, { ...headers, authorization })
      return /<Message>(.*)<\/Message>/.exec(said.body)?.[1] ?? said.status
    }
    assert.equal(await post({}), 200)
    assert.equal(await post({ DurationSeconds: '3600', ExternalId: 'a:b/c' }), 200)
    assert.match(String(await post({ RoleArn: 'bounce' })), /^RoleArn must be/)
    assert.match(String(await post({ RoleSessionName: 'a b' })), /^RoleSessionName must be/)
    assert.match(String(await post({ ExternalId: '!' })), /^ExternalId must be/)
    for (const seconds of ['899', '3601', 'x', '-1'])
      assert.match(String(await post({ DurationSeconds: seconds })), /^DurationSeconds must be 900 to 3600/)
    assert.match(String(await post({ Name: 'x' })), /^Name is not a parameter of AssumeRole/)
  })

  it('is throttled, denied or unanswered on demand', async () => {
    await start()
    ses.setFaults([{ kind: 'throttle' }, { kind: 'denied' }, { kind: 'reset' }])
    await assert.rejects(assume(), { name: 'Throttling', message: 'Rate exceeded' })
    await assert.rejects(assume(), { name: 'AccessDenied' })
    await assert.rejects(assume())
    await assume()
    assert.deepEqual(
      ses.calls.map(({ outcome }) => outcome.fault),
      ['throttle', 'denied', 'reset', undefined],
    )
  })

  it('belongs to an account with its own pace, identities, messages and quota', async () => {
    const message = {
      sesId: INPUT.OriginalMessageId ?? '',
      region: 'eu-west-1',
      account: ONE,
      sender: 'joe@origin.example',
      recipients: ['r@yours.example'],
      receivedAtMs: Date.now(),
    }
    await start({
      intervalMs: 60_000,
      messages: [message],
      accounts: [
        { id: ONE, identities: ['yours.example'], quota: 3 },
        { id: TWO, identities: ['yours.example'], isPaused: true },
      ],
    })
    const [one, two] = [await keysOf(ONE), await keysOf(TWO)]
    await send(ses, INPUT, { credentials: one })
    await refused(send(ses, INPUT, { credentials: one }), ses, 400, 'Throttling')
    assert.match(
      await refused(send(ses, INPUT, { credentials: two }), ses, 400, 'MessageRejected'),
      /Sending paused/,
    )
    assert.match(await refused(send(ses), ses, 400, 'MessageRejected'), /was not found in region/)
    const ask = async (credentials: Keys) => {
      const asking = new SESClient({ ...client, endpoint: ses.url, credentials })
      try {
        const quota = await asking.send(new GetSendQuotaCommand({}))
        const { Enabled } = await asking.send(new GetAccountSendingEnabledCommand({}))
        return [quota.Max24HourSend, quota.MaxSendRate, quota.SentLast24Hours, Enabled]
      } finally {
        asking.destroy()
      }
    }
    assert.deepEqual(await ask(one), [3, 14, 1, true])
    assert.deepEqual(await ask(two), [50_000, 14, 0, false])
  })

  it('of an account in the sandbox gets bounces only for senders that are verified there', async () => {
    const at = {
      region: 'eu-west-1',
      account: ONE,
      recipients: ['r@yours.example'],
      receivedAtMs: Date.now(),
    }
    const known = { ...at, sesId: 'a'.repeat(40), sender: 'joe@known.example' }
    const foreign = { ...at, sesId: 'b'.repeat(40), sender: 'joe@origin.example' }
    await start({
      messages: [known, foreign],
      accounts: [{ id: ONE, identities: ['yours.example', 'known.example'], isInSandbox: true }],
    })
    const credentials = await keysOf(ONE)
    await send(ses, { ...INPUT, OriginalMessageId: known.sesId }, { credentials })
    const text = await refused(
      send(ses, { ...INPUT, OriginalMessageId: foreign.sesId }, { credentials }),
      ses,
      400,
      'MessageRejected',
    )
    assert.equal(
      text,
      'Email address is not verified. The following identities failed the check in region EU-WEST-1: joe@origin.example',
    )
  })
})
