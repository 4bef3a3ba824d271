// `check --online` with the real SDK over HTTP, against the emulator as SES and STS.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { compileActiveConfig } from '../../src/app/active-config'
import { askOnline } from '../../src/cli/check-online'
import { createAws } from '../../src/cli/online/aws'
import { IMPOSSIBLE_ID } from '../../src/cli/online/verdicts'
import { createSources } from '../../src/config/sources'
import { openWorkerQueue } from '../../src/queue/open'
import {
  type Fault,
  type SesEmulator,
  type SesEmulatorOptions,
  startSesEmulator,
} from '../../src/ses-emulator/server'
import { request } from '../queue/support'
import {
  asked,
  type Configured,
  Directories,
  environment,
  RULES,
  runJson,
  runOnline,
  SETTINGS,
  withEnvironment,
} from './online-support'

const WHO = 'the credentials are of arn:aws:iam::123456789012:user/local-ses'
const TAKES =
  'this takes sts:GetCallerIdentity (no permission needed), ses:GetIdentityVerificationAttributes and ses:SendBounce'
const CALLED =
  'SendBounce was called once a region, for no mail that there is: nothing was bounced; a running dispatcher may be throttled once'
const SENDER = 'mailer-daemon@example.com'

describe('ses-bounce check --online', () => {
  const directories = new Directories()
  let ses: SesEmulator
  const start = async (options: SesEmulatorOptions = {}) =>
    (ses = await startSesEmulator({ intervalMs: 0, identities: ['example.com'], ...options }))
  afterEach(async () => {
    directories.remove()
    await ses.close()
  })

  const env = (changes: NodeJS.ProcessEnv = {}) => environment({ AWS_ENDPOINT_URL_STS: ses.url, ...changes })
  /** [ses] with the emulator as SES. */
  const lines = (more: string) => `endpoint = ${ses.url}\n${more}`
  const directory = ({ ses: more = 'regions = eu-west-1', ...rest }: Configured = {}) =>
    directories.make({ ses: lines(more), ...rest })
  const run = (configured: Configured = {}, args: string[] = []) =>
    runOnline(directory(configured), env(), args)
  /** What is said of the one region. */
  const ofRegion = async (configured: Configured = {}) => {
    const { code, online } = await run(configured)
    const said = online.flatMap(line => /^eu-west-1: (.*)$/.exec(line)?.[1] ?? [])
    return { code, said }
  }
  const faultFor = (action: string, fault: Fault) =>
    start({ faults: subject => (subject.action === action ? fault : undefined) })

  describe('where all is well', () => {
    it('shows each result on a line, and needs only the expected calls', async () => {
      await start()
      const { code, lines } = await run()
      assert.deepEqual(lines, [
        'fine: mode enforce, 1 trusted relay, 1 rule, 0 lists',
        `online: ${WHO}`,
        'online: eu-west-1: verified: example.com',
        'online: eu-west-1: SendBounce is permitted',
        `online: ${TAKES}`,
        `online: ${CALLED}`,
      ])
      assert.equal(code, 0)
      assert.equal((await run({}, ['--strict'])).code, 0)
    })

    it('has made no bounce: the only call that could names no mail of SES', async () => {
      await start({ messages: 'any' })
      await run()
      assert.deepEqual(asked(ses), [
        'eu-west-1 GetCallerIdentity',
        'eu-west-1 GetIdentityVerificationAttributes',
        'eu-west-1 SendBounce',
      ])
      assert.ok(ses.calls.every(({ outcome }) => !outcome.carriedOut))
      assert.deepEqual(ses.calls.at(-1)?.input, {
        OriginalMessageId: IMPOSSIBLE_ID,
        BounceSender: SENDER,
        BouncedRecipientInfoList: [{ Recipient: SENDER, BounceType: 'Undefined' }],
      })
    })

    it('gives one object with --json', async () => {
      await start()
      const { code, answer, lines } = await runJson(directory(), env())
      assert.equal(lines.length, 1)
      assert.deepEqual(answer, {
        errors: [],
        warnings: [],
        ok: true,
        online: {
          identity: {
            result: 'fine',
            message: WHO,
            action: 'sts:GetCallerIdentity',
            account: '123456789012',
            arn: 'arn:aws:iam::123456789012:user/local-ses',
          },
          regions: [
            {
              region: 'eu-west-1',
              from: 'configured',
              senders: [
                {
                  result: 'fine',
                  message: `${SENDER} is verified by example.com`,
                  action: 'ses:GetIdentityVerificationAttributes',
                  sender: SENDER,
                  identity: 'example.com',
                },
              ],
              sendBounce: {
                result: 'fine',
                message: 'SendBounce is permitted',
                action: 'ses:SendBounce',
                sender: SENDER,
              },
            },
          ],
          notes: [],
        },
      })
      assert.equal(code, 0)
    })
  })

  describe('asks in the regions', () => {
    it('that are configured, in their order, one SendBounce each', async () => {
      await start()
      const { online } = await run({ ses: 'regions = us-east-1, eu-west-1, ap-south-1' })
      const regions = online.flatMap(line => /^(\S+): SendBounce is permitted$/.exec(line)?.[1] ?? [])
      assert.deepEqual(regions, ['us-east-1', 'eu-west-1', 'ap-south-1'])
      const bounces = asked(ses).filter(line => line.endsWith(' SendBounce'))
      assert.deepEqual(bounces, ['ap-south-1 SendBounce', 'eu-west-1 SendBounce', 'us-east-1 SendBounce'])
    })

    it('and that the queue has seen', async () => {
      await start()
      const dir = directory({ ses: 'regions = us-east-1' })
      const queue = openWorkerQueue(path.join(dir, 'ses-bounce', 'queue.sqlite'), { create: true })
      const regions = ['us-east-1', 'eu-west-1', 'af-south-1']
      queue.add(
        regions.map(region => request({ region })),
        0,
      )
      try {
        const { answer } = await runJson(dir, env())
        assert.deepEqual(
          answer.online?.regions.map(({ region, from }) => [region, from]),
          [
            ['us-east-1', 'configured'],
            ['af-south-1', 'seen'],
            ['eu-west-1', 'seen'],
          ],
        )
        assert.deepEqual(answer.online?.notes, [])
      } finally {
        queue.close()
      }
    })

    it('without a queue, which it does not make', async () => {
      await start()
      const dir = directory()
      assert.equal((await runOnline(dir, env())).code, 0)
      assert.equal(existsSync(path.join(dir, 'ses-bounce')), false)
    })

    it('also where the queue can not be read, and says that', async () => {
      await start()
      const dir = directory()
      mkdirSync(path.join(dir, 'ses-bounce'))
      const file = path.join(dir, 'ses-bounce', 'queue.sqlite')
      writeFileSync(file, 'x'.repeat(10_000))
      const { code, online } = await runOnline(dir, env())
      assert.equal(code, 0)
      assert.ok(
        online[1]?.startsWith(`which regions were seen could not be established: ${file}: `),
        online[1],
      )
      assert.ok(online.includes('eu-west-1: SendBounce is permitted'))
      assert.equal(online.at(-1), '1 open question')
      assert.deepEqual(readdirSync(path.dirname(file)), ['queue.sqlite'])
    })

    it('of the SDK, where no other is known', async () => {
      await start()
      const dir = directory({ ses: '' })
      const { code, online } = await runOnline(dir, env({ AWS_REGION: 'eu-north-1' }))
      assert.equal(
        online[1],
        "[ses] regions names no region, and none was seen yet: asking in eu-north-1, the AWS SDK's own",
      )
      assert.ok(online.includes('eu-north-1: SendBounce is permitted'))
      assert.equal(code, 0)
    })

    it('or says that it knows none, and how to name one', async () => {
      await start()
      const dir = directory({ ses: '' })
      const { code, online } = await runOnline(dir, env())
      assert.equal(code, 0)
      assert.equal(online[0], WHO)
      assert.match(online[1] ?? '', /^no region is known, .*; regions = eu-west-1 names one$/)
      assert.equal(ses.calls.length, 1)
      assert.equal((await runOnline(dir, env(), ['--strict'])).code, 1)
    })
  })

  describe('of the bounce senders', () => {
    const constant = (sender: string) => ({ ses: `regions = eu-west-1\nbounce_sender = ${sender}` })
    const verified = async (configured: Configured, identities: string[]) => {
      await start({ identities })
      const { code, said } = await ofRegion(configured)
      return [code, ...said.filter(line => !line.startsWith('SendBounce'))]
    }

    it('counts a sender as verified if its address, its domain or a parent domain is', async () => {
      const sender = constant('mailer@bounces.example.com')
      for (const identity of ['mailer@bounces.example.com', 'bounces.example.com', 'example.com']) {
        assert.deepEqual(await verified(sender, [identity]), [0, `verified: ${identity}`])
        await ses.close()
      }
      await start()
    })

    it('says what is not verified, and what was looked for', async () => {
      const told =
        'error: bounce sender mailer@bounces.example.com is not verified (mailer@bounces.example.com: no identity, bounces.example.com: no identity, example.com: no identity)'
      const found = await verified(constant('mailer@bounces.example.com'), ['other@bounces.example.com'])
      assert.deepEqual(found.slice(0, 2), [1, told])
    })

    it('asks about every domain that SES receives for', async () => {
      const domains = ['one.example', 'two.example', 'sub.one.example']
      const found = await verified({ domains }, ['one.example', 'two.example'])
      assert.deepEqual(found, [0, 'verified: one.example, two.example'])
    })

    it('warns of one of these domains, as its mail may come by another region; all are an error', async () => {
      const domains = ['one.example', 'two.example']
      const told = (domain: string) =>
        `bounce sender mailer-daemon@${domain} is not verified (mailer-daemon@${domain}: no identity, ${domain}: no identity)`
      assert.deepEqual(await verified({ domains }, ['one.example']), [
        0,
        'verified: one.example',
        `warning: ${told('two.example')}; SES takes no mail for two.example here either`,
      ])
      await ses.close()
      const none = await verified({ domains }, ['three.example'])
      assert.deepEqual(none.slice(0, 3), [
        1,
        `error: ${told('one.example')}`,
        `error: ${told('two.example')}`,
      ])
    })

    it('asks about those of rules, too', async () => {
      const rules =
        '[a]\nsender = *@x.example\naction = bounce\nbounce.sender = a@rules.example\n[b]\naction = bounce\n'
      const told =
        'error: bounce sender a@rules.example is not verified (a@rules.example: no identity, rules.example: no identity)'
      assert.deepEqual(await verified({ rules }, ['example.com']), [1, 'verified: example.com', told])
    })

    it('tries SendBounce with one that is verified', async () => {
      await start({ identities: ['two.example'] })
      const { said } = await ofRegion({ domains: ['one.example', 'two.example'] })
      assert.equal(
        said.at(-1),
        'SendBounce is permitted as mailer-daemon@two.example, the one of 2 bounce senders that was tried',
      )
    })

    it('says what only a mail can tell', async () => {
      await start()
      const { code, online } = await run(constant('mailer-daemon@{sender.domain}'))
      assert.equal(code, 0)
      assert.equal(
        online[1],
        "whether mailer-daemon@{sender.domain} is verified can't be established: its domain is that of each mail's sender",
      )
      assert.match(
        online[2] ?? '',
        /^eu-west-1: whether SendBounce is permitted could not be established: no bounce/,
      )
      assert.equal(
        asked(ses).some(line => line.endsWith('SendBounce')),
        false,
      )
    })

    it('says that there is none without a domain', async () => {
      await start()
      const { said } = await ofRegion({ domains: [] })
      assert.deepEqual(said, [
        'whether SendBounce is permitted could not be established: no bounce sender is known; host_list and [relay] domains name no domain',
      ])
      assert.deepEqual(asked(ses), ['eu-west-1 GetCallerIdentity'])
    })

    const withArn = (account: string) =>
      `regions = eu-west-1\nbounce_sender_arn = arn:aws:ses:eu-west-1:${account}:identity/example.com`
    it('leaves open what only another account can ask, and tries SendBounce with its ARN', async () => {
      await start({ identities: [] })
      const { code, said } = await ofRegion({ ses: withArn('999999999999') })
      assert.deepEqual(said, [
        'whether the bounce senders are verified could not be established: bounce_sender_arn names an identity of account 999999999999, and only that account can ask',
        'SendBounce is permitted',
      ])
      assert.equal(code, 0)
      const arn = 'arn:aws:ses:eu-west-1:999999999999:identity/example.com'
      assert.equal(ses.calls.at(-1)?.input?.BounceSenderArn, arn)
    })
    it('asks where the ARN is of the own account', async () => {
      await start()
      const { said } = await ofRegion({ ses: withArn('123456789012') })
      assert.deepEqual(said, ['verified: example.com', 'SendBounce is permitted'])
    })

    it('asks for a hundred identities at a time, with a pause between', async () => {
      let nowMs = 0
      await start({ intervalMs: 1000, monotonicClock: () => nowMs, identities: 'any' })
      const domains = Array.from({ length: 120 }, (_, n) => `d${n}.example`)
      const dir = directory({ domains })
      const sources = createSources(path.join(dir, 'config'))
      const pauses: number[] = []
      const pause = (ms: number) => {
        pauses.push(ms)
        nowMs += ms
        return Promise.resolve()
      }
      const { value } = compileActiveConfig(sources, {})
      const place = { dir, env: env() }
      const online = await withEnvironment(env(), () => askOnline(value, place, { createAws, pause }))
      assert.deepEqual(pauses, [1100, 1100])
      const [region] = online.regions
      assert.equal(region?.senders.length, 120)
      assert.ok(region?.senders.every(({ result }) => result === 'fine'))
      const { lines } = await runOnline(dir, env())
      assert.ok(lines.every(line => line.length < 300))
    })
  })

  describe('of the permissions', () => {
    const resource = `arn:aws:ses:eu-west-1:123456789012:identity/${SENDER}`

    it('names what is missing for SendBounce', async () => {
      await faultFor('SendBounce', { kind: 'denied' })
      const { code, said } = await ofRegion()
      assert.equal(code, 1)
      assert.equal(
        said[1],
        `error: SendBounce is not permitted as ${SENDER}; allow ses:SendBounce on ${resource} (AccessDenied: User \`arn:aws:iam::123456789012:user/local-ses' is not authorized to perform \`ses:SendBounce' on resource \`${resource}')`,
      )
      const { answer } = await runJson(directory(), env())
      assert.equal(answer.online?.regions[0]?.sendBounce.resource, resource)
      assert.equal(answer.ok, false)
    })

    it('leaves open what it may not ask, and goes on', async () => {
      await faultFor('GetIdentityVerificationAttributes', { kind: 'denied' })
      const { code, online } = await run({ domains: ['example.com', 'one.example'] })
      const words =
        'AccessDenied: User: arn:aws:iam::123456789012:user/local-ses is not authorized to perform: ses:GetIdentityVerificationAttributes'
      assert.equal(
        online[1],
        `eu-west-1: whether the bounce senders are verified could not be established: ses:GetIdentityVerificationAttributes is not permitted (${words})`,
      )
      assert.equal(
        online[3],
        `${TAKES}; could not be established: ses:GetIdentityVerificationAttributes in eu-west-1`,
      )
      assert.equal(online.at(-1), '1 open question')
      assert.equal(code, 0)
    })

    it('lets an open question pass, unless it is strict', async () => {
      await faultFor('GetIdentityVerificationAttributes', { kind: 'denied' })
      assert.equal((await run()).code, 0)
      const { code, online } = await run({}, ['--strict'])
      assert.equal(code, 1)
      assert.match(online[1] ?? '', /^eu-west-1: error: whether the bounce senders are verified could not/)
      assert.equal(online.at(-1), '1 error')
      const { answer } = await runJson(directory(), env(), ['--strict'])
      assert.deepEqual([answer.ok, answer.online?.regions[0]?.senders[0]?.result], [false, 'error'])
    })

    const unverified = `Failed to generate a bounce. The following identities are not verified: ${SENDER}`
    const paused = 'Sending suspended for this account. For more information, please check the inbox.'
    const refusals: [what: string, fault: Fault, said: RegExp, code: number][] = [
      [
        'a bounce sender that SES does not take after all',
        { kind: 'error', status: 400, code: 'MessageRejected', message: unverified },
        /^error: SES doesn't accept mailer-daemon@example\.com as a bounce sender \(MessageRejected: Failed/,
        1,
      ],
      [
        'an account that SES has suspended',
        { kind: 'error', status: 400, code: 'MessageRejected', message: paused },
        /^error: SES sends nothing for this account now \(MessageRejected: Sending suspended/,
        1,
      ],
      [
        'a region that the account has not enabled',
        {
          kind: 'error',
          status: 403,
          code: 'InvalidClientTokenId',
          message: 'The security token is invalid.',
        },
        /^error: AWS doesn't know these credentials: .*; or the account hasn't enabled this region$/,
        1,
      ],
      [
        'a call that SES finds wrong',
        { kind: 'error', status: 400, code: 'ValidationError', message: '1 validation error detected' },
        /^whether SendBounce is permitted could not be established: ValidationError: 1 validation/,
        0,
      ],
      [
        'an id that SES calls a wrong value',
        { kind: 'error', status: 400, code: 'InvalidParameterValue', message: 'Invalid OriginalMessageId' },
        /^SendBounce is permitted$/,
        0,
      ],
      [
        'another value that SES calls wrong',
        { kind: 'error', status: 400, code: 'InvalidParameterValue', message: 'Invalid ARN' },
        /^whether SendBounce is permitted could not be established: InvalidParameterValue: Invalid ARN$/,
        0,
      ],
      [
        'throttling',
        { kind: 'throttle' },
        /^whether SendBounce is permitted could not be established: Throttling: Maximum sending rate exceeded\.$/,
        0,
      ],
      [
        'a fault of SES',
        { kind: 'error', status: 503, code: 'ServiceUnavailable', message: 'Try again.' },
        /^whether SendBounce is permitted could not be established: ServiceUnavailable: Try again\.$/,
        0,
      ],
      [
        'a proxy that forbids it',
        { kind: 'status', status: 403, body: '<html>Forbidden</html>' },
        /^whether SendBounce is permitted could not be established: /,
        0,
      ],
      [
        'a connection that breaks',
        { kind: 'reset' },
        /^whether SendBounce is permitted could not be established: /,
        0,
      ],
      [
        'an answer that is none',
        { kind: 'empty' },
        /^whether SendBounce is permitted could not be established: /,
        0,
      ],
      [
        'no answer in time',
        { kind: 'silence' },
        /^whether SendBounce is permitted could not be established: .*\b200 ?ms\b/,
        0,
      ],
    ]
    for (const [what, fault, said, code] of refusals) {
      it(`has its words for ${what}`, async () => {
        await faultFor('SendBounce', fault)
        // only silence may take its time: on a busy machine others may, too
        const timeout = fault.kind === 'silence' ? 'timeout = 200ms' : ''
        const result = await ofRegion({ ses: `regions = eu-west-1\n${timeout}` })
        assert.match(result.said[1] ?? '', said)
        assert.equal(result.code, code)
      })
    }

    it('shows control characters of an answer, and never writes them', async () => {
      const message = 'no \u001b[2J\u202e\u0085 way on resource: arn:aws:ses:x:1:identity/\u0007'
      await faultFor('SendBounce', { kind: 'error', status: 403, code: 'AccessDenied', message })
      const { lines } = await run()
      for (const line of lines) assert.match(line, /^[ -~]+$/)
      const { lines: json } = await runJson(directory(), env())
      assert.match(json[0] ?? '', /^[ -~]+$/)
    })
  })

  describe('of the credentials', () => {
    const only = async (changes: NodeJS.ProcessEnv, options: SesEmulatorOptions = {}) => {
      await start(options)
      const { code, online } = await runOnline(directory(), env(changes))
      return { code, first: online[0] ?? '', last: online.slice(1) }
    }
    const STOPPED = [`${TAKES}; nothing further was asked`, '1 error']

    it('says that there are none, and asks nothing', async () => {
      const { code, first, last } = await only({ AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' })
      assert.match(first, /^error: this user has no usable AWS credentials; .*CredentialsProviderError: /)
      assert.deepEqual([code, last, ses.calls.length], [1, STOPPED, 0])
    })

    const told = (code: string, message: string): SesEmulatorOptions => ({
      faults: [{ kind: 'error', status: 403, code, message }],
    })
    const wrong: [what: string, changes: NodeJS.ProcessEnv, options: SesEmulatorOptions, said: RegExp][] = [
      [
        'unknown to AWS',
        { AWS_ACCESS_KEY_ID: 'NOBODY' },
        {},
        /^error: AWS doesn't know these credentials: [^;]*$/,
      ],
      [
        'with a wrong secret',
        { AWS_SECRET_ACCESS_KEY: 'wrong' },
        {},
        /^error: the secret access key isn't the one of the access key \(SignatureDoesNotMatch: /,
      ],
      [
        'that have expired',
        {},
        told('ExpiredToken', 'The security token included in the request is expired'),
        /^error: the AWS credentials have expired; renew them \(ExpiredToken: The security token/,
      ],
      [
        'refused for a wrong clock',
        {},
        { clock: () => Date.now() - 3_600_000 },
        /^error: the clock of this machine is wrong: .*Signature not yet current: /,
      ],
    ]
    for (const [what, changes, options, said] of wrong) {
      it(`asks nothing further with those ${what}`, async () => {
        const { code, first, last } = await only(changes, options)
        assert.match(first, said)
        assert.deepEqual([code, last, asked(ses)], [1, STOPPED, ['eu-west-1 GetCallerIdentity']])
      })
    }

    it('goes on where STS does not answer', async () => {
      const { code, first, last } = await only({}, { faults: [{ kind: 'reset' }] })
      assert.match(first, /^whose the credentials are could not be established: /)
      assert.ok(last.includes('eu-west-1: SendBounce is permitted'))
      assert.ok(last.includes(`${TAKES}; could not be established: sts:GetCallerIdentity`))
      assert.equal(code, 0)
    })

    it('gives the credentials for an emulator on this machine to no STS of AWS', async () => {
      await start()
      const { online } = await runOnline(directory(), environment())
      assert.match(
        online[0] ?? '',
        /^whose the credentials are could not .* AWS_ENDPOINT_URL_STS names no STS there$/,
      )
      assert.ok(online.includes('eu-west-1: SendBounce is permitted'))
    })
  })

  it('asks nothing if bounces go to the emulator in the dispatcher', async () => {
    await start()
    const dir = directories.make({ ses: 'endpoint = local' })
    const message = '[ses] endpoint = local: bounces go to the emulator, and there is nothing to ask AWS'
    const { code, online } = await runOnline(dir, env())
    assert.deepEqual([code, online], [0, [message]])
    const { answer } = await runJson(dir, env())
    assert.deepEqual(answer.online, { regions: [], notes: [{ result: 'fine', message }] })
    assert.equal(ses.calls.length, 0)
  })

  it('asks nothing while the files have errors, and shows these', async () => {
    await start()
    const dir = directory({ files: { [RULES]: '[r]\nacton = bounce\n' } })
    const { code, lines } = await runOnline(dir, env())
    assert.equal(code, 1)
    assert.match(lines[1] ?? '', /^ses-bounce-rules\.ini:2: \[r\] unknown condition "acton"/)
    assert.equal(lines.at(-1), 'online: AWS was not asked, as the configuration has errors')
    const { answer } = await runJson(dir, env())
    assert.equal('online' in answer, false)
    assert.equal(ses.calls.length, 0)
  })

  it('asks where the files have only warnings, strict or not', async () => {
    await start()
    const files = { [SETTINGS]: `[relay]\ntrusted = 0.0.0.0/0\n[ses]\n${lines('regions = eu-west-1')}\n` }
    for (const [args, expected] of [
      [[], 0],
      [['--strict'], 1],
    ] as const) {
      const { code, online } = await runOnline(directory({ files }), env(), [...args])
      assert.equal(code, expected)
      assert.ok(online.includes('eu-west-1: SendBounce is permitted'))
    }
  })
})
