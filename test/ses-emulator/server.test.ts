import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import {
  type Fault,
  type KnownMessage,
  type SesEmulator,
  type SesEmulatorOptions,
  startSesEmulator,
} from '../../src/ses-emulator/server'
import { INPUT, raw, refused, send } from './helpers'

const NOW_MS = Date.now()
const MESSAGE: KnownMessage = {
  sesId: INPUT.OriginalMessageId ?? '',
  region: 'eu-west-1',
  sender: 'sender@origin.example',
  recipients: ['r@yours.example', 'two@yours.example'],
  receivedAtMs: NOW_MS - 60_000,
}

describe('the SES emulator', () => {
  let ses: SesEmulator
  const start = async (options: SesEmulatorOptions = {}) =>
    (ses = await startSesEmulator({ intervalMs: 0, ...options }))
  afterEach(() => ses.close())

  it('accepts a bounce from the SDK, and records the call as the client meant it', async () => {
    const heard: unknown[] = []
    await start({ onCall: call => heard.push(call) })
    const input = {
      ...INPUT,
      Explanation: "It's (not) here: 100% * ~ + & = /",
      MessageDsn: {
        ReportingMta: 'dns; mx.yours.example',
        ArrivalDate: new Date(1_700_000_000_000),
        ExtensionFields: [{ Name: 'X-Rule', Value: 'a; b' }],
      },
      BouncedRecipientInfoList: [
        {
          Recipient: 'r@yours.example',
          RecipientDsnFields: {
            Action: 'failed' as const,
            Status: '5.1.1',
            DiagnosticCode: 'smtp; 550 5.1.1 No such mailbox',
            RemoteMta: 'dns; mx.yours.example',
            FinalRecipient: 'r@yours.example',
            LastAttemptDate: new Date(1_700_000_001_500),
            ExtensionFields: [],
          },
        },
        { Recipient: '"o d"@yours.example', BounceType: 'MessageTooLarge' as const },
      ],
    }
    const { MessageId } = await send(ses, input)
    const [call] = ses.calls
    assert.deepEqual(call?.input, input)
    assert.deepEqual(call?.outcome, { status: 200, messageId: MessageId, carriedOut: true })
    assert.deepEqual([call?.number, call?.region, call?.action], [1, 'eu-west-1', 'SendBounce'])
    assert.ok(call && call.headersAtMs <= call.atMs)
    assert.deepEqual(heard, [call])
  })

  it('gives every bounce an id of its own', async () => {
    await start()
    assert.notEqual((await send(ses)).MessageId, (await send(ses)).MessageId)
  })

  describe('a caller', () => {
    const credentials = [{ accessKeyId: 'OURS', secretAccessKey: 'secret' }]

    it('is known by key and secret, whatever the session token', async () => {
      await start({ credentials })
      await send(ses, INPUT, {
        credentials: { accessKeyId: 'OURS', secretAccessKey: 'secret', sessionToken: 't' },
      })
    })
    it('is refused with a wrong secret', async () => {
      await start({ credentials })
      const wrong = { accessKeyId: 'OURS', secretAccessKey: 'Secret' }
      await refused(send(ses, INPUT, { credentials: wrong }), ses, 403, 'SignatureDoesNotMatch')
    })
    it('is refused with an unknown key', async () => {
      await start({ credentials })
      await refused(send(ses), ses, 403, 'InvalidClientTokenId')
    })
    it('may be anybody where that is wanted', async () => {
      await start({ credentials: 'any' })
      await send(ses, INPUT, { credentials: { accessKeyId: 'X', secretAccessKey: 'y' } })
    })
    for (const [what, offset, text] of [
      ['behind', -301_000, /^Signature expired: /],
      ['ahead', 302_000, /^Signature not yet current: /],
    ] as const) {
      it(`is refused with a clock five minutes ${what}`, async () => {
        await start()
        const sent = send(ses, INPUT, { systemClockOffset: offset })
        assert.match(await refused(sent, ses, 403, 'SignatureDoesNotMatch'), text)
      })
      it(`is accepted with a clock less than five minutes ${what}`, async () => {
        await start()
        await send(ses, INPUT, { systemClockOffset: offset * 0.9 })
      })
    }
  })

  describe('the pace', () => {
    it('is one call in the interval for each region, by the monotonic clock', async () => {
      let nowMs = 0
      await start({ intervalMs: 1000, monotonicClock: () => nowMs })
      await send(ses)
      await send(ses, INPUT, { region: 'us-east-1' })
      nowMs = 999.9
      const text = await refused(send(ses), ses, 400, 'Throttling')
      assert.equal(text, 'Maximum sending rate exceeded.')
      nowMs = 1000
      await send(ses)
    })
    it('counts a refused call, not a throttled one', async () => {
      let nowMs = 0
      await start({ intervalMs: 1000, monotonicClock: () => nowMs, messages: [] })
      await refused(send(ses), ses, 400, 'MessageRejected')
      nowMs = 600
      await refused(send(ses), ses, 400, 'Throttling')
      nowMs = 1100
      await refused(send(ses), ses, 400, 'MessageRejected')
    })
  })

  describe('the mail', () => {
    const reject = async (options: SesEmulatorOptions, code: string, text: RegExp, input = INPUT) => {
      await start(options)
      assert.match(await refused(send(ses, input), ses, 400, code), text)
    }
    const to = (...recipients: string[]) => ({
      ...INPUT,
      BouncedRecipientInfoList: recipients.map(Recipient => ({
        Recipient,
        BounceType: 'Undefined' as const,
      })),
    })

    it('must be known', () => reject({ messages: [] }, 'MessageRejected', /not found/))
    it('must be of the region', () =>
      reject({ messages: [{ ...MESSAGE, region: 'us-east-1' }] }, 'MessageRejected', /not found/))
    it('may become known later', async () => {
      await start({ messages: [] })
      ses.addMessage(MESSAGE)
      await send(ses)
    })
    it('may be 24 hours old', async () => {
      await start({ messages: [{ ...MESSAGE, receivedAtMs: NOW_MS - 86_400_000 }], clock: () => NOW_MS })
      await send(ses)
    })
    it('may not be older', () =>
      reject(
        { messages: [{ ...MESSAGE, receivedAtMs: NOW_MS - 86_400_001 }], clock: () => NOW_MS },
        'MessageRejected',
        /24 hours/,
      ))
    it('must have had the recipients', () =>
      reject(
        { messages: [MESSAGE] },
        'InvalidParameterValue',
        /^three@yours\.example is not/,
        to('r@yours.example', 'three@yours.example'),
      ))
    it('is found by a recipient whatever the case of the domain, and by FinalRecipient', async () => {
      await start({ messages: [MESSAGE] })
      await send(ses, to('two@YOURS.example'))
      const dsn = { Action: 'failed' as const, Status: '5.1.1', FinalRecipient: 'r@yours.example' }
      await send(ses, {
        ...INPUT,
        BouncedRecipientInfoList: [{ Recipient: 'x@else.example', RecipientDsnFields: dsn }],
      })
    })
    it('must have a sender', () =>
      reject({ messages: [{ ...MESSAGE, sender: '' }] }, 'MessageRejected', /no sender/))
    it('may be bounced again, unless that is refused', async () => {
      await start()
      await send(ses)
      await send(ses)
      await ses.close()
      await start({ secondBounce: 'refuse' })
      await send(ses)
      assert.match(await refused(send(ses), ses, 400, 'MessageRejected'), /already/)
    })
  })

  describe('the bounce sender', () => {
    for (const identity of ['yours.example', 'EXAMPLE', 'mailer-daemon@Yours.example']) {
      it(`is covered by ${identity}`, async () => {
        await start({ identities: [identity] })
        await send(ses)
      })
    }
    for (const identity of ['ours.example', 'a.yours.example', 'other@yours.example']) {
      it(`is not covered by ${identity}`, async () => {
        await start({ identities: [identity] })
        const text = await refused(send(ses), ses, 400, 'MessageRejected')
        assert.match(
          text,
          /^Failed to generate a bounce for \S+\. The following identities are not verified: mailer-/,
        )
        ses.addIdentity('yours.example')
        await send(ses)
      })
    }
    it('may be of another account, by an ARN that covers it', async () => {
      await start({ identities: [] })
      const arn = 'arn:aws:ses:eu-west-1:123456789012:identity/'
      await send(ses, { ...INPUT, BounceSenderArn: `${arn}yours.example` })
      const other = send(ses, { ...INPUT, BounceSenderArn: `${arn}other.example` })
      await refused(other, ses, 400, 'InvalidParameterValue')
    })
  })

  describe('a fault', () => {
    const names = (fault: Fault) => start({ faults: [fault] })
    const shown = () => {
      const { status, fault, carriedOut, messageId } = ses.calls[0]?.outcome ?? {}
      return [status, fault, carriedOut, messageId !== undefined]
    }

    it('throttle', async () => {
      await names({ kind: 'throttle' })
      await assert.rejects(send(ses), { name: 'Throttling', message: 'Maximum sending rate exceeded.' })
      assert.deepEqual(shown(), [400, 'throttle', false, false])
      await send(ses)
    })
    it('error', async () => {
      await names({ kind: 'error', status: 403, code: 'AccessDenied', message: 'a < b & "c"' })
      await assert.rejects(send(ses), { name: 'AccessDenied', message: 'a < b & "c"' })
      assert.deepEqual(shown(), [403, 'error', false, false])
    })
    for (const body of ['Service Unavailable', '<html>no</html>', '']) {
      it(`status with the body "${body}"`, async () => {
        await names({ kind: 'status', status: 503, body })
        assert.deepEqual(await raw(ses, ''), { status: 503, body })
        ses.setFaults([{ kind: 'status', status: 503, body }])
        await assert.rejects(send(ses), (error: { $metadata?: { httpStatusCode?: number } }) => {
          return error.$metadata?.httpStatusCode === 503
        })
        assert.deepEqual(shown(), [503, 'status', false, false])
      })
    }
    for (const after of ['not', 'carried-out'] as const) {
      const done = after === 'carried-out'
      it(`reset, ${after}`, async () => {
        await names({ kind: 'reset', after })
        await assert.rejects(send(ses), { code: 'ECONNRESET' })
        assert.deepEqual(shown(), [0, 'reset', done, done])
      })
      it(`silence, ${after}`, async () => {
        await names({ kind: 'silence', after })
        const socket = connect(ses.port, '127.0.0.1')
        let answered = false
        socket.on('data', () => (answered = true)).on('error', () => undefined)
        socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 0\r\n\r\n')
        await once(ses, 'call')
        const closed = once(socket, 'close')
        await ses.close()
        await closed
        assert.equal(answered, false)
        await start({ faults: [{ kind: 'silence', after }] })
        const abort = send(ses).catch((error: Error) => error.name)
        await once(ses, 'call')
        await ses.close()
        assert.equal(typeof (await abort), 'string')
        assert.deepEqual(shown(), [0, 'silence', done, done])
      })
      it(`garbage, ${after}`, async () => {
        await names({ kind: 'garbage', after })
        const answer = await send(ses).catch(() => ({ MessageId: undefined }))
        assert.equal(answer.MessageId, undefined)
        assert.deepEqual(shown(), [200, 'garbage', done, done])
      })
      it(`empty, ${after}`, async () => {
        await names({ kind: 'empty', after })
        assert.equal((await send(ses)).MessageId, undefined)
        assert.deepEqual(shown(), [200, 'empty', done, done])
      })
    }
    it('that hits a call which SES refuses carries nothing out', async () => {
      await start({ faults: [{ kind: 'empty', after: 'carried-out' }], messages: [] })
      await send(ses)
      assert.deepEqual(shown(), [200, 'empty', false, false])
      assert.equal(ses.calls[0]?.outcome.code, 'MessageRejected')
    })
    it('may spare calls in its queue, or be chosen by what the call is', async () => {
      await start({ faults: [undefined, { kind: 'throttle' }] })
      await send(ses)
      await assert.rejects(send(ses), { name: 'Throttling' })
      ses.setFaults(({ region }) => (region === 'us-east-1' ? { kind: 'throttle' } : undefined))
      await send(ses)
      await assert.rejects(send(ses, INPUT, { region: 'us-east-1' }), { name: 'Throttling' })
    })
  })

  it('reads a new connection after the handshake, and answers after the latency', async () => {
    await start({ handshakeDelayMs: 80, latencyMs: 40 })
    const from = Number(process.hrtime.bigint()) / 1e6
    await send(ses)
    const end = Number(process.hrtime.bigint()) / 1e6
    const headersAtMs = ses.calls[0]?.headersAtMs ?? 0
    const atMs = ses.calls[0]?.atMs ?? Infinity
    assert.ok(headersAtMs - from >= 79, `${headersAtMs - from}`)
    assert.ok(end - atMs >= 39, `${end - atMs}`)
  })

  it('closes at once, with a handshake or an answer outstanding', async () => {
    await start({ handshakeDelayMs: 60_000 })
    const socket = connect(ses.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    await ses.close()
    await start({ latencyMs: 60_000 })
    const sent = send(ses).catch(() => 'ended')
    await once(ses, 'call')
    await ses.close()
    await sent
  })
})
