// Verdicts of `check --online` on answers of AWS, beyond those that the emulator gives.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { strictly } from '../../src/cli/online/online'
import { onlineReport } from '../../src/cli/online/online-report'
import { refusedBy } from '../../src/cli/online/refused'
import type { BounceSender } from '../../src/cli/online/senders'
import {
  callerVerdict,
  IMPOSSIBLE_ID,
  noPermissionVerdict,
  permissionVerdict,
  senderVerdicts,
} from '../../src/cli/online/verdicts'

const SENDER: BounceSender = { address: 'm@a.example', identities: ['m@a.example', 'a.example'] }

/** The SDK's rejection when AWS answers with an error. */
function refused(status: number, name: string, message: string) {
  return {
    fault: refusedBy(Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })),
  }
}

describe('the verdict on a bounce sender', () => {
  const verdict = (statuses: Record<string, string>, sender = SENDER) => {
    const [answer] = senderVerdicts([sender], { value: new Map(Object.entries(statuses)) })
    return [answer?.result, answer?.message]
  }

  it('names the status of what is not verified', () => {
    assert.deepEqual(verdict({ 'a.example': 'Pending', 'm@a.example': 'Failed' }), [
      'error',
      'bounce sender m@a.example is not verified (m@a.example: Failed, a.example: Pending)',
    ])
  })
  it('counts an address as verified if its domain is', () => {
    assert.deepEqual(verdict({ 'a.example': 'Success', 'm@a.example': 'Pending' }), [
      'fine',
      'm@a.example is verified by a.example',
    ])
  })
  it('warns if SES is about to revoke it', () => {
    assert.deepEqual(verdict({ 'a.example': 'TemporaryFailure' }), [
      'warning',
      'm@a.example is verified by a.example, but SES no longer finds its DNS record, and will revoke that',
    ])
  })
  it('knows an identity whatever the case of its domain', () => {
    const sender = { address: 'm@A.example', identities: ['m@A.example', 'a.example'] }
    assert.equal(verdict({ 'm@a.example': 'Success' }, sender)[0], 'fine')
  })
})

describe('the verdict on the permission', () => {
  const verdict = (said: Parameters<typeof permissionVerdict>[2]) => permissionVerdict('m@a.example', 1, said)

  it('is a warning where a bounce was made all the same', () => {
    const { result, message } = verdict({ value: undefined })
    assert.equal(result, 'warning')
    assert.match(message, /\[ses\] endpoint doesn't lead to SES$/)
  })

  const resource = 'arn:aws:ses:eu-west-1:123456789012:identity/a.example'
  const who = 'arn:aws:sts::123456789012:assumed-role/x/y'
  const texts: [string, string | undefined][] = [
    [`User \`${who}' is not authorized to perform \`ses:SendBounce' on resource \`${resource}'`, resource],
    [
      `User: ${who} is not authorized to perform: ses:SendBounce on resource: ${resource} because no identity-based policy allows the ses:SendBounce action`,
      resource,
    ],
    [
      `User: ${who} is not authorized to perform: ses:SendBounce with an explicit deny in a service control policy`,
      undefined,
    ],
    ['', undefined],
  ]
  for (const [text, expected] of texts) {
    it(`reads what is missing in "${text.slice(0, 5)}...${text.slice(-30)}"`, () => {
      const answer = verdict(refused(403, 'AccessDenied', text))
      assert.deepEqual([answer.result, answer.resource], ['error', expected])
      const what = expected === undefined ? 'allow ses:SendBounce (' : `allow ses:SendBounce on ${expected} (`
      assert.ok(answer.message.includes(what), answer.message)
    })
  }

  it('is fine only if SES has checked the mail', () => {
    const name = fc.oneof(fc.string(), fc.constantFrom('AccessDenied', 'Throttling', 'ExpiredToken', 'Error'))
    const message = fc.oneof(fc.string(), fc.constantFrom(IMPOSSIBLE_ID, 'not verified', 'suspended'))
    const error = fc.record({
      name,
      message,
      $metadata: fc.option(fc.record({ httpStatusCode: fc.integer({ min: 0, max: 600 }) })),
    })
    fc.assert(
      fc.property(fc.oneof(error, fc.anything()), thrown => {
        const answer = verdict({ fault: refusedBy(thrown) })
        assert.match(answer.message, /^[ -~]+$/)
        if (answer.result === 'fine') assert.match((thrown as Error).name, /^(MessageRejected|InvalidParam)/)
        for (const fate of [callerVerdict({ fault: refusedBy(thrown) }), answer]) {
          assert.ok(fate.message.length < 800)
        }
      }),
    )
  })

  it('asks with an id that SES can not have given', () => {
    assert.doesNotMatch(IMPOSSIBLE_ID, /^[0-9a-z]*$/)
    assert.match(IMPOSSIBLE_ID, /^[a-z-]{20,60}$/)
  })
})

describe('the reason why there was no answer', () => {
  it('is what happened, also where the error has no message', () => {
    const reason = (error: unknown) => refusedBy(error).reason
    const both = Object.assign(new AggregateError([]), { code: 'ECONNREFUSED' })
    assert.equal(reason(both), 'AggregateError: ECONNREFUSED')
    assert.equal(reason(Object.assign(new Error(''), { code: 'EPIPE' })), 'EPIPE')
    assert.equal(reason(new Error('no answer within 5 ms')), 'no answer within 5 ms')
    assert.equal(reason(undefined), 'undefined')
  })
})

describe('the report', () => {
  const about = { action: 'ses:GetIdentityVerificationAttributes' }
  const online = {
    identity: { result: 'fine' as const, message: 'who', action: 'sts:GetCallerIdentity' },
    regions: [
      {
        region: 'eu-west-1',
        from: 'configured' as const,
        senders: [
          ...Array.from({ length: 8 }, (_, n) => ({
            ...about,
            result: 'fine' as const,
            message: '',
            sender: `m@d${n}.example`,
            identity: `d${n >> 1}${n === 7 ? 'x' : ''}.example`,
          })),
          { ...about, result: 'warning' as const, message: 'fading', sender: 'm@w.example' },
          { ...about, result: 'unestablished' as const, message: 'open', sender: 'm@x.example' },
          { ...about, result: 'unestablished' as const, message: 'open', sender: 'm@y.example' },
        ],
        sendBounce: noPermissionVerdict('why'),
      },
    ],
    notes: [],
  }

  it('names what is verified once, and what is the same for all senders once', () => {
    const lines = onlineReport(online, false)
    assert.deepEqual(lines.slice(0, 5), [
      'online: who',
      'online: eu-west-1: verified: d0.example, d1.example, d2.example, d3.example, d3x.example',
      'online: eu-west-1: warning: fading',
      'online: eu-west-1: open',
      'online: eu-west-1: whether SendBounce is permitted could not be established: why',
    ])
    assert.equal(lines.at(-1), 'online: 1 warning, 2 open questions')
    assert.ok(!lines.some(line => line.includes('was called')))
  })
  it('shortens a long list of identities', () => {
    const [region] = online.regions
    assert.ok(region)
    const senders = Array.from({ length: 7 }, (_, n) => ({
      result: 'fine' as const,
      message: '',
      sender: '',
      identity: `d${n}.example`,
    }))
    const lines = onlineReport({ ...online, regions: [{ ...region, senders }] }, false)
    assert.match(lines[1] ?? '', /: verified: d0\.example, .*, d4\.example and 2 more$/)
  })
  it('makes errors of all that is not certain where it is strict', () => {
    assert.equal(onlineReport(online, true).at(-1), 'online: 3 errors')
    assert.match(onlineReport(online, true)[2] ?? '', /^online: eu-west-1: error: fading$/)
    const strict = strictly(online)
    const results = new Set(strict.regions.flatMap(({ senders }) => senders.map(({ result }) => result)))
    assert.deepEqual([...results], ['fine', 'error'])
    assert.equal(strict.regions[0]?.sendBounce?.result, 'error')
  })
})
