// `check --online` about permissions and credentials, with the real SDK over HTTP.

import assert from 'node:assert/strict'
import { type Fault, type SesEmulatorOptions } from '../../src/ses-emulator/server'
import { onlineSuite, SENDER, TAKES } from './online-suite'
import { asked, environment, runJson, runOnline } from './online-support'

describe('ses-bounce check --online', () => {
  const { start, ses, env, directory, run, ofRegion, faultFor } = onlineSuite()

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
      assert.equal(answer.online?.regions[0]?.sendBounce?.resource, resource)
      assert.equal(answer.ok, false)
    })

    it('asks again where it is throttled, as beside a running dispatcher', async () => {
      let throttled = 0
      await start({
        faults: ({ action }) =>
          action !== 'GetCallerIdentity' && throttled++ < 2 ? { kind: 'throttle' } : undefined,
      })
      const { code, said } = await ofRegion()
      assert.deepEqual([code, said], [0, ['verified: example.com', 'SendBounce is permitted']])
      assert.equal(throttled, 4)
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
        /^whether SendBounce is permitted could not be established: Throttling: Maximum sending rate exceeded\. \(3 tries\)$/,
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
      assert.deepEqual([code, last, ses().calls.length], [1, STOPPED, 0])
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
        assert.deepEqual([code, last, asked(ses())], [1, STOPPED, ['eu-west-1 GetCallerIdentity']])
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
})
