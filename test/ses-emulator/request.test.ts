import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import fc from 'fast-check'
import { type SesEmulator, startSesEmulator } from '../../src/ses-emulator/server'
import { raw, unproved } from './helpers'

const LIST = 'BouncedRecipientInfoList.member.1'
const DSN = `${LIST}.RecipientDsnFields`
const FIELDS: Record<string, string> = {
  Action: 'SendBounce',
  Version: '2010-12-01',
  OriginalMessageId: 'd30v1skkk31tvlqtoj21k5l3ur5pmmqp1ndfr0o1',
  BounceSender: 'mailer-daemon@yours.example',
  [`${LIST}.Recipient`]: 'r@yours.example',
  [`${LIST}.BounceType`]: 'DoesNotExist',
}
const WITH_DSN = { ...FIELDS, [`${DSN}.Action`]: 'failed', [`${DSN}.Status`]: '5.1.1' }

function form(fields: Record<string, string | undefined>): string {
  return Object.entries(fields)
    .filter((field): field is [string, string] => field[1] !== undefined)
    .map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`)
    .join('&')
}

describe('a request to the SES emulator', () => {
  let ses: SesEmulator
  before(async () => {
    ses = await startSesEmulator({ intervalMs: 0, credentials: 'any' })
  })
  after(() => ses.close())

  const post = (body: string | Uint8Array, headers = unproved()) => raw(ses, body, headers)

  async function answers(
    body: string | Uint8Array,
    status: number,
    code: string,
    naming = '',
  ): Promise<void> {
    const answer = await post(body)
    const shown = [answer.status, /<Code>(.*)<\/Code>/.exec(answer.body)?.[1]]
    assert.deepEqual(shown, [status, code], answer.body)
    assert.ok(/<Message>([^]*)<\/Message>/.exec(answer.body)?.[1]?.includes(naming), answer.body)
  }

  it('is answered in the XML of SES', async () => {
    const { status, body } = await post(form(FIELDS))
    assert.equal(status, 200)
    assert.match(
      body,
      /^<SendBounceResponse xmlns="http:\/\/ses\.amazonaws\.com\/doc\/2010-12-01\/">\s*<SendBounceResult>\s*<MessageId>[0-9a-f-]+<\/MessageId>\s*<\/SendBounceResult>\s*<ResponseMetadata>\s*<RequestId>[0-9a-f-]{36}<\/RequestId>\s*<\/ResponseMetadata>\s*<\/SendBounceResponse>\s*$/,
    )
    assert.match(
      (await post('Action=%3Ca%26b%00')).body,
      /^<ErrorResponse xmlns="http:\/\/ses\.amazonaws\.com\/doc\/2010-12-01\/">\s*<Error>\s*<Type>Sender<\/Type>\s*<Code>InvalidAction<\/Code>\s*<Message>[^<]*&lt;a&amp;b\u{FFFD}[^<]*<\/Message>\s*<\/Error>\s*<RequestId>[0-9a-f-]{36}<\/RequestId>\s*<\/ErrorResponse>\s*$/u,
    )
  })

  const refusals: [string, Record<string, string | undefined>, string, string][] = [
    ['no action', { Action: undefined }, 'MissingAction', 'Action'],
    ['another action', { Action: 'SendEmail' }, 'InvalidAction', 'SendEmail'],
    ['another version', { Version: '2011-12-01' }, 'InvalidAction', '2011-12-01'],
    ['no version', { Version: undefined }, 'InvalidAction', 'version'],
    ['no id', { OriginalMessageId: undefined }, 'ValidationError', "'OriginalMessageId'"],
    ['an id with a space', { OriginalMessageId: 'a b' }, 'InvalidParameterValue', 'OriginalMessageId'],
    ['no bounce sender', { BounceSender: undefined }, 'ValidationError', "'BounceSender'"],
    [
      'a bounce sender that is no address',
      { BounceSender: 'yours.example' },
      'InvalidParameterValue',
      'BounceSender',
    ],
    [
      'a bounce sender with a name',
      { BounceSender: 'A <a@yours.example>' },
      'InvalidParameterValue',
      'BounceSender',
    ],
    ['an empty label', { BounceSender: 'a@yours..example' }, 'InvalidParameterValue', 'BounceSender'],
    ['a domain outside ASCII', { BounceSender: 'a@yoürs.example' }, 'InvalidParameterValue', 'BounceSender'],
    ['no recipient', { [`${LIST}.Recipient`]: undefined }, 'ValidationError', `'${LIST}.Recipient'`],
    ['neither type nor DSN fields', { [`${LIST}.BounceType`]: undefined }, 'InvalidParameterValue', LIST],
    [
      'a type that is none',
      { [`${LIST}.BounceType`]: 'doesnotexist' },
      'InvalidParameterValue',
      'BounceType',
    ],
    ['a DSN without action', { [`${DSN}.Status`]: '5.1.1' }, 'ValidationError', `${DSN}.Action`],
    ['a DSN without status', { [`${DSN}.Action`]: 'failed' }, 'ValidationError', `${DSN}.Status`],
    [
      'a DSN with a wrong action',
      { ...WITH_DSN, [`${DSN}.Action`]: 'Failed' },
      'InvalidParameterValue',
      'Action',
    ],
    [
      'a DSN with a wrong status',
      { ...WITH_DSN, [`${DSN}.Status`]: '550 5.1.1' },
      'InvalidParameterValue',
      'Status',
    ],
    [
      'a DSN with a status of class 3',
      { ...WITH_DSN, [`${DSN}.Status`]: '3.1.1' },
      'InvalidParameterValue',
      'Status',
    ],
    [
      'rfc822; before the final recipient',
      { ...WITH_DSN, [`${DSN}.FinalRecipient`]: 'rfc822;r@yours.example' },
      'InvalidParameterValue',
      'FinalRecipient',
    ],
    [
      'an MTA without type',
      { 'MessageDsn.ReportingMta': 'mx.yours.example' },
      'InvalidParameterValue',
      'ReportingMta',
    ],
    [
      'no reporting MTA',
      { 'MessageDsn.ArrivalDate': '2025-01-31T12:00:00Z' },
      'ValidationError',
      'ReportingMta',
    ],
    [
      'a date of RFC 822',
      { 'MessageDsn.ReportingMta': 'dns; a', 'MessageDsn.ArrivalDate': 'Fri, 31 Jan 2025 12:00:00 +0000' },
      'InvalidParameterValue',
      'ArrivalDate',
    ],
    [
      'a day that there is not',
      { 'MessageDsn.ReportingMta': 'dns; a', 'MessageDsn.ArrivalDate': '2025-02-30T12:00:00Z' },
      'InvalidParameterValue',
      'ArrivalDate',
    ],
    [
      'an extension of a wrong name',
      {
        ...WITH_DSN,
        [`${DSN}.ExtensionFields.member.1.Name`]: 'X_A',
        [`${DSN}.ExtensionFields.member.1.Value`]: 'a',
      },
      'InvalidParameterValue',
      'ExtensionFields.member.1.Name',
    ],
    [
      'an extension that is too long',
      {
        ...WITH_DSN,
        [`${DSN}.ExtensionFields.member.1.Name`]: 'X-A',
        [`${DSN}.ExtensionFields.member.1.Value`]: 'a'.repeat(2049),
      },
      'InvalidParameterValue',
      'ExtensionFields.member.1.Value',
    ],
    [
      'an extension with a line end',
      {
        ...WITH_DSN,
        [`${DSN}.ExtensionFields.member.1.Name`]: 'X-A',
        [`${DSN}.ExtensionFields.member.1.Value`]: 'a\nb',
      },
      'InvalidParameterValue',
      'control',
    ],
    [
      'an extension without value',
      { ...WITH_DSN, [`${DSN}.ExtensionFields.member.1.Name`]: 'X-A' },
      'ValidationError',
      'Value',
    ],
    ['an explanation with a line end', { Explanation: 'a\r\nb' }, 'InvalidParameterValue', 'Explanation'],
    ['an explanation outside ASCII', { Explanation: 'é' }, 'InvalidParameterValue', 'Explanation'],
    [
      'a diagnostic outside ASCII',
      { ...WITH_DSN, [`${DSN}.DiagnosticCode`]: 'smtp; é' },
      'InvalidParameterValue',
      'DiagnosticCode',
    ],
    [
      'an ARN that is none',
      { BounceSenderArn: 'arn:aws:s3:::bucket' },
      'InvalidParameterValue',
      'BounceSenderArn',
    ],
    ['an unknown field', { explanation: 'a' }, 'InvalidParameterValue', 'explanation'],
    ['an unknown field of a recipient', { [`${LIST}.Type`]: 'a' }, 'InvalidParameterValue', `${LIST}.Type`],
    ['a field below a text', { 'Explanation.member.1': 'a' }, 'InvalidParameterValue', 'Explanation.member'],
    ['a text for a structure', { MessageDsn: 'a' }, 'InvalidParameterValue', 'MessageDsn'],
    [
      'a gap in the list',
      { 'BouncedRecipientInfoList.member.3.Recipient': 'a@b.example' },
      'InvalidParameterValue',
      'BouncedRecipientInfoList.member',
    ],
    [
      'a list from 0',
      { 'BouncedRecipientInfoList.member.0.Recipient': 'a@b.example' },
      'InvalidParameterValue',
      'BouncedRecipientInfoList.member',
    ],
    [
      'a list numbered with zeros',
      { 'BouncedRecipientInfoList.member.02.Recipient': 'a@b.example' },
      'InvalidParameterValue',
      'BouncedRecipientInfoList.member',
    ],
    [
      'a name far too deep',
      { [`a${'.a'.repeat(50_000)}`]: 'a' },
      'InvalidParameterValue',
      'is not a parameter',
    ],
    [
      'a name of every object',
      { __proto__x: 'a', constructor: 'b' },
      'InvalidParameterValue',
      'is not a parameter',
    ],
  ]
  for (const [what, fields, code, naming] of refusals) {
    it(`is refused for ${what}`, () => answers(form({ ...FIELDS, ...fields }), 400, code, naming))
  }
  it('is refused for an empty list and for none', async () => {
    const { Action, Version, OriginalMessageId, BounceSender } = FIELDS
    const rest = { Action, Version, OriginalMessageId, BounceSender }
    await answers(form(rest), 400, 'ValidationError', 'BouncedRecipientInfoList')
    const empty = { ...rest, BouncedRecipientInfoList: '' }
    await answers(form(empty), 400, 'InvalidParameterValue', 'BouncedRecipientInfoList')
  })
  it('is refused for a form that is none', async () => {
    for (const body of [
      'Action=%',
      'Action=%ff',
      `${form(FIELDS)}&Action=SendBounce`,
      '=a',
      'a&&b',
      '%E0%A4%A=1',
    ]) {
      await answers(body, 400, 'MalformedQueryString')
    }
    await answers('', 400, 'MissingAction')
  })
  it('is refused for its size, and the next one is accepted', async () => {
    await answers(Buffer.alloc(2 * 1024 * 1024, 'a'), 413, 'RequestEntityTooLarge')
    assert.equal((await post(form(FIELDS))).status, 200)
  })
  it('may have DSN fields instead of a type, plus for a space, and the plain fields of the SDK', async () => {
    const body = `${form({ ...WITH_DSN, [`${LIST}.BounceType`]: undefined })}&Explanation=a+b`
    assert.equal((await post(body)).status, 200)
    assert.equal(ses.calls.at(-1)?.input?.Explanation, 'a b')
  })

  it('is refused for another method, path or type', async () => {
    const body = form(FIELDS)
    assert.equal((await raw(ses, '', unproved(), { method: 'GET' })).status, 405)
    assert.equal((await raw(ses, body, unproved(), { path: '/a' })).status, 404)
    assert.equal((await raw(ses, body, unproved(), { path: '/?Action=SendBounce' })).status, 404)
    assert.equal((await post(body, { ...unproved(), 'content-type': 'application/json' })).status, 400)
  })

  describe('whose signature is wrong in its form', () => {
    const signed = unproved()
    const wrong: [string, Record<string, string>, number, string][] = [
      ['none', {}, 403, 'MissingAuthenticationToken'],
      ['of another kind', { ...signed, authorization: 'Bearer a' }, 400, 'IncompleteSignature'],
      ['without date', { authorization: signed.authorization ?? '' }, 400, 'IncompleteSignature'],
      [
        'with a date that is none',
        { ...signed, 'x-amz-date': '20259999T999999Z' },
        400,
        'IncompleteSignature',
      ],
      ['for another service', change(signed, '/ses/', '/s3/'), 403, 'SignatureDoesNotMatch'],
      ['of another day', change(signed, /KEY\/\d{8}/, 'KEY/20200101'), 403, 'SignatureDoesNotMatch'],
      ['without the host', change(signed, 'host;', ''), 403, 'SignatureDoesNotMatch'],
      ['without a header of AWS', { ...signed, 'x-amz-security-token': 'a' }, 403, 'SignatureDoesNotMatch'],
      ['with a header that is not there', change(signed, 'host;', 'host;x-a;'), 403, 'SignatureDoesNotMatch'],
      [
        'with headers out of order',
        change(signed, 'host;x-amz-date', 'x-amz-date;host'),
        400,
        'IncompleteSignature',
      ],
      [
        'for another region than the host',
        { ...signed, host: 'email.us-east-1.amazonaws.com' },
        403,
        'SignatureDoesNotMatch',
      ],
    ]
    for (const [what, headers, status, code] of wrong) {
      it(`is refused: ${what}`, async () => {
        const answer = await post(form(FIELDS), headers)
        assert.deepEqual([answer.status, /<Code>(.*)<\/Code>/.exec(answer.body)?.[1]], [status, code])
      })
    }
    it('is accepted if the host names the same region', async () => {
      const headers = { ...signed, host: 'email.eu-west-1.amazonaws.com' }
      assert.equal((await post(form(FIELDS), headers)).status, 200)
    })
  })

  it('that is no HTTP is answered 400, and the server lives', async () => {
    const socket = connect(ses.port, '127.0.0.1')
    let text = ''
    socket.on('data', chunk => (text += chunk.toString()))
    socket.end('EHLO x\r\n\r\n')
    await once(socket, 'close')
    assert.match(text, /^HTTP\/1\.1 400 /)
    assert.equal((await post(form(FIELDS))).status, 200)
  })

  it('that ends half way leaves no record', async () => {
    const count = ses.calls.length
    const socket = connect(ses.port, '127.0.0.1')
    socket.on('error', () => undefined)
    await once(socket, 'connect')
    socket.write('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nabc')
    socket.destroy()
    await post(form(FIELDS))
    assert.equal(ses.calls.length, count + 1)
  })

  it('gets an answer of 200 or 4xx, whatever its body', async () => {
    const part = fc.oneof(
      fc.constantFrom(...Object.keys(WITH_DSN), 'MessageDsn', 'member', '1', '2', '.', 'ExtensionFields'),
      fc.string({ unit: 'grapheme', maxLength: 8 }),
    )
    const field = fc.tuple(fc.array(part, { maxLength: 4 }), fc.string({ unit: 'grapheme', maxLength: 30 }))
    const fields = fc.array(field, { maxLength: 6 }).map(fields => {
      const more = fields.map(([name, value]) => [name.join('.'), value])
      return form({ ...WITH_DSN, ...Object.fromEntries(more) })
    })
    const bytes = fc.uint8Array({ maxLength: 60 }).map(bytes => Buffer.from(bytes))
    await fc.assert(
      fc.asyncProperty(fc.oneof(fields, bytes, fc.string()), async body => {
        const { status } = await post(body)
        assert.ok(status === 200 || (status >= 400 && status < 500), String(status))
      }),
      { numRuns: 300 },
    )
  })
})

function change(headers: Record<string, string>, from: string | RegExp, to: string): Record<string, string> {
  return { ...headers, authorization: (headers.authorization ?? '').replace(from, to) }
}
