// `check --online` with the real SDK over HTTP, against the emulator as SES and STS.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { compileActiveConfig } from '../../src/app/active-config'
import { askOnline } from '../../src/cli/check-online'
import { createAws } from '../../src/cli/online/aws'
import { IMPOSSIBLE_ID } from '../../src/cli/online/verdicts'
import { createSources } from '../../src/config/sources'
import { openWorkerQueue } from '../../src/queue/sqlite/open'
import { request } from '../queue/support'
import { CALLED, onlineSuite, SENDER, TAKES, WHO } from './online-suite'
import {
  asked,
  type Configured,
  RULES,
  runJson,
  runOnline,
  SETTINGS,
  withEnvironment,
} from './online-support'

describe('ses-bounce check --online', () => {
  const { directories, start, ses, env, lines, directory, run, ofRegion } = onlineSuite()

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
      assert.deepEqual(asked(ses()), [
        'eu-west-1 GetCallerIdentity',
        'eu-west-1 GetIdentityVerificationAttributes',
        'eu-west-1 SendBounce',
      ])
      assert.ok(ses().calls.every(({ outcome }) => !outcome.carriedOut))
      assert.deepEqual(ses().calls.at(-1)?.input, {
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
      const bounces = asked(ses()).filter(line => line.endsWith(' SendBounce'))
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
      assert.equal(ses().calls.length, 1)
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
        await ses().close()
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
        `warning: ${told('two.example')}; SES receives no mail for two.example here either`,
      ])
      await ses().close()
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
        asked(ses()).some(line => line.endsWith('SendBounce')),
        false,
      )
    })

    it('says that there is none without a domain', async () => {
      await start()
      const { said } = await ofRegion({ domains: [] })
      assert.deepEqual(said, [
        'whether SendBounce is permitted could not be established: no bounce sender is known; host_list and [relay] domains name no domain',
      ])
      assert.deepEqual(asked(ses()), ['eu-west-1 GetCallerIdentity'])
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
      assert.equal(ses().calls.at(-1)?.input?.BounceSenderArn, arn)
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

  it('asks nothing if bounces go to the emulator in the dispatcher', async () => {
    await start()
    const dir = directories.make({ ses: 'endpoint = local' })
    const message = '[ses] endpoint = local: bounces go to the emulator, and there is nothing to ask AWS'
    const { code, online } = await runOnline(dir, env())
    assert.deepEqual([code, online], [0, [message]])
    const { answer } = await runJson(dir, env())
    assert.deepEqual(answer.online, { regions: [], notes: [{ result: 'fine', message }] })
    assert.equal(ses().calls.length, 0)
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
    assert.equal(ses().calls.length, 0)
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
