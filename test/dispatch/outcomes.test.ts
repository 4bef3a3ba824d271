import assert from 'node:assert/strict'
import fc from 'fast-check'
import { outcomeOfError, outcomeOfResult } from '../../src/dispatch/outcomes'
import { cpuMs } from '../cpu-time'

/** The SDK's rejection when SES answers with an error. */
function answer(status: number, name: string, message = ''): unknown {
  return Object.assign(new Error(message), { name, $metadata: { httpStatusCode: status } })
}

/** The SDK's rejection when there is no answer. */
function fault(name: string, code: string): unknown {
  return Object.assign(new Error('no answer'), { name, code, $metadata: { attempts: 1 } })
}

/** The outcome of an error, with the scope where it blocks. */
function meaning(error: unknown, reached = true): string {
  const outcome = outcomeOfError(error, reached)
  return outcome.kind === 'blocked' ? `blocked ${outcome.scope}` : outcome.kind
}

describe('the meaning of an answer of SES', () => {
  const answers: [status: number, code: string, message: string, meaning: string][] = [
    [400, 'Throttling', 'Rate exceeded', 'throttled'],
    [400, 'Throttling', 'Maximum sending rate exceeded.', 'throttled'],
    [400, 'ThrottlingException', 'Rate exceeded', 'throttled'],
    [503, 'Throttling', 'Rate exceeded', 'throttled'],
    [429, 'UnknownError', '', 'throttled'],
    [400, 'Throttling', 'Daily message quota exceeded.', 'blocked region'],
    [500, 'InternalFailure', '', 'temporary'],
    [503, 'ServiceUnavailable', '', 'temporary'],
    [502, 'UnknownError', 'Bad Gateway', 'temporary'],
    [404, 'UnknownError', 'a proxy of ours', 'temporary'],
    [404, 'NotFound', '', 'temporary'],
    [400, 'RequestTimeout', '', 'temporary'],
    [400, 'RequestThrottled', '', 'throttled'],
    [400, 'MessageRejected', 'The following identities are not verified: mx@yours.example', 'blocked sender'],
    [400, 'MailFromDomainNotVerifiedException', 'Domain is not verified', 'blocked sender'],
    [400, 'MessageRejected', 'Sending paused for this account.', 'blocked region'],
    [400, 'MessageRejected', 'Sending suspended for this account.', 'blocked region'],
    [400, 'AccountSendingPausedException', '', 'blocked region'],
    [403, 'AccessDenied', 'not authorized to perform ses:SendBounce', 'blocked region'],
    [403, 'ExpiredToken', '', 'blocked region'],
    [403, 'InvalidClientTokenId', '', 'blocked region'],
    [403, 'SignatureDoesNotMatch', '', 'blocked region'],
    [403, 'UnknownError', '', 'blocked region'],
    [400, 'RequestExpired', '', 'blocked region'],
    [400, 'MessageRejected', 'Failed to generate a bounce for 7k822g: no such message', 'refused'],
    [400, 'InvalidParameterValue', 'BouncedRecipientInfoList', 'refused'],
    [400, 'ValidationError', '', 'refused'],
  ]
  for (const [status, code, message, expected] of answers) {
    it(`${status} ${code}${message === '' ? '' : ` "${message}"`}: ${expected}`, () => {
      assert.equal(meaning(answer(status, code, message)), expected)
    })
  }

  describe('about identities that are not verified', () => {
    const failed = (named: string) =>
      `Email address is not verified. The following identities failed the check in region EU-WEST-1: ${named}`
    const texts: [message: string, scope: 'sender' | 'region'][] = [
      [failed('joe@origin.example'), 'region'],
      [failed('joe@origin.example, ann@other.example'), 'region'],
      [failed('"mx@yours.example"@origin.example'), 'region'],
      [failed('mx@yours.example.origin.example'), 'region'],
      [failed('arn:aws:ses:eu-west-1:123456789012:identity/origin.example'), 'region'],
      [failed('origin.example'), 'region'],
      ['Email address is not verified: joe@origin.example', 'region'],
      [failed('mx@yours.example'), 'sender'],
      [failed('joe@origin.example, MX@Yours.Example'), 'sender'],
      [failed('yours.example'), 'sender'],
      [failed('arn:aws:ses:eu-west-1:123456789012:identity/yours.example.'), 'sender'],
      [
        'No bounce for 7k8. The following identities are not verified: mx@yours.example in region X',
        'sender',
      ],
      ['Email address is not verified.', 'sender'],
      ['Email address is not verified. The following identities failed the check:', 'sender'],
    ]
    for (const [message, scope] of texts) {
      it(`pauses the ${scope === 'region' ? 'lane' : 'bounce sender'}: ${message}`, () => {
        const error = answer(400, 'MessageRejected', message)
        const outcome = outcomeOfError(error, true, { bounceSender: 'mx@yours.example', account: 'second' })
        assert.equal(outcome.kind === 'blocked' && outcome.scope, scope)
        const words = outcome.kind === 'blocked' ? outcome.detail : ''
        assert.equal(words.startsWith('account second is in the sandbox: '), scope === 'region', words)
      })
    }

    it('speaks of the account of the usual credentials, where there is no other', () => {
      const error = answer(400, 'MessageRejected', failed('joe@origin.example'))
      const outcome = outcomeOfError(error, true, { bounceSender: 'mx@yours.example' })
      assert.match(outcome.kind === 'blocked' ? outcome.detail : '', /^the account is in the sandbox: 400 /)
    })

    it('takes little time, whatever a mail puts into them', () => {
      const tookMs = cpuMs(2000, () => {
        for (const part of ['identities', 'a@', '@', '<', '.', ' ', ':', 'identity/', 'arn:', 'a.'])
          outcomeOfError(answer(400, 'MessageRejected', `is not verified ${part.repeat(300_000)}`), true, {
            bounceSender: 'mx@yours.example',
          })
      })
      assert.ok(tookMs < 2000, `${tookMs} ms`)
    })
  })

  it('is tried again after a signature with a wrong time only once the SDK uses the time of SES', () => {
    const corrected = (name: string, clockSkewCorrected: boolean) =>
      Object.assign(new Error(''), { name, $metadata: { httpStatusCode: 403, clockSkewCorrected } })
    assert.equal(meaning(corrected('SignatureDoesNotMatch', true)), 'temporary')
    assert.equal(meaning(corrected('SignatureDoesNotMatch', false)), 'blocked region')
    assert.equal(meaning(corrected('AccessDenied', true)), 'blocked region')
  })

  it('is a bounce only when SES gives it an id', () => {
    assert.deepEqual(outcomeOfResult({ MessageId: 'abc' }), { kind: 'sent', messageId: 'abc' })
    for (const result of [{}, { MessageId: undefined }, { MessageId: '' }]) {
      assert.equal(outcomeOfResult(result).kind, 'unknown')
    }
  })

  it('is unknown when it says 200 and cannot be read', () => {
    assert.equal(meaning(answer(200, 'SyntaxError', 'unexpected token')), 'unknown')
  })
})

describe('the meaning of no answer', () => {
  const faults: [name: string, code: string, reached: boolean, meaning: string][] = [
    ['Error', 'ECONNREFUSED', false, 'temporary'],
    ['AggregateError', 'ECONNREFUSED', false, 'temporary'],
    ['Error', 'ENOTFOUND', false, 'temporary'],
    ['Error', 'EAI_AGAIN', false, 'temporary'],
    ['Error', 'CERT_HAS_EXPIRED', false, 'temporary'],
    ['TimeoutError', 'ECONNRESET', true, 'unknown'],
    ['TimeoutError', 'ETIMEDOUT', true, 'unknown'],
    ['AbortError', '', true, 'unknown'],
    ['Error', 'EPIPE', true, 'unknown'],
    ['Error', 'HPE_INVALID_CONSTANT', true, 'unknown'],
    ['AbortError', '', false, 'temporary'],
    ['CredentialsProviderError', '', false, 'blocked region'],
    ['CredentialsProviderError', '', true, 'blocked region'],
    ['TokenProviderError', '', false, 'blocked region'],
  ]
  for (const [name, code, reached, expected] of faults) {
    const when = reached ? 'there was a connection' : 'there was none'
    it(`${name} ${code} when ${when}: ${expected}`, () => {
      assert.equal(meaning(fault(name, code), reached), expected)
    })
  }

  it('never counts as a bounce or a refusal, for any thrown value', () => {
    for (const thrown of [undefined, null, 'text', 5, {}, [], Symbol('s'), { $metadata: null, name: 7 }]) {
      assert.equal(meaning(thrown, true), 'unknown')
      assert.equal(meaning(thrown, false), 'temporary')
    }
  })
})

describe('the text of an answer', () => {
  it('is kept on one line of printable ASCII, and not without end', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 700 }),
        fc.constantFrom(400, 500),
        (text, status) => {
          const outcome = outcomeOfError(answer(status, 'InvalidParameterValue', text), true)
          assert.ok('detail' in outcome)
          assert.match(outcome.detail, /^[ -~]{1,500}$/)
        },
      ),
      { numRuns: 50 },
    )
    const sent = outcomeOfResult({ MessageId: 'a\nb\u001b' })
    assert.deepEqual(sent, { kind: 'sent', messageId: 'a b?' })
  })
})
