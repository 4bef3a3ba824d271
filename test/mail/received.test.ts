import assert from 'node:assert/strict'
import { parseDate, readSesReceived, readSesReceivedField, type SesReceived } from '../../src/mail/received'

const ID = '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1'
const FORGED = 'f'.repeat(38) + 'g1'
const BY = 'by inbound-smtp.eu-west-1.amazonaws.com'
const DATE = 'Thu, 20 Feb 2025 12:38:04 +0000 (UTC)'

function line(parts: { from?: string; by?: string; id?: string; for?: string; date?: string } = {}): string {
  const from = parts.from ?? 'from h.example (r.example [192.0.2.7])'
  const recipient = parts.for ?? ' for a@yours.example'
  return `${from} ${parts.by ?? BY} with SMTP id ${parts.id ?? ID}${recipient}; ${parts.date ?? DATE}`
}

function read(value: string): SesReceived {
  const found = readSesReceived(value)
  assert.ok(found && !('fault' in found), JSON.stringify(found))
  return found.value
}

describe("SES's Received line", () => {
  it('names id, region, time, recipient and client', () => {
    assert.deepEqual(read(line()), {
      form: 'classic',
      sesId: ID,
      sesIdIsUsual: true,
      region: 'eu-west-1',
      receivedAtMs: Date.UTC(2025, 1, 20, 12, 38, 4),
      forRecipient: 'a@yours.example',
      client: { helo: 'h.example', name: 'r.example', ip: '192.0.2.7' },
    })
  })

  it('is known by its host, in all forms of it', () => {
    const table: [string, string, string][] = [
      ['inbound-smtp.us-gov-west-1.amazonaws.com', 'classic', 'us-gov-west-1'],
      ['inbound-smtp.cn-north-1.amazonaws.com.cn', 'classic', 'cn-north-1'],
      ['INBOUND-SMTP.ap-southeast-5.AmazonAWS.com', 'classic', 'ap-southeast-5'],
      ['open.mail-manager-smtp.us-east-2.amazonaws.com', 'mail-manager', 'us-east-2'],
      ['auth.mail-manager-smtp.us-east-2.amazonaws.com', 'mail-manager', 'us-east-2'],
      ['mtls.mail-manager-smtp.us-east-2.amazonaws.com', 'mail-manager', 'us-east-2'],
    ]
    for (const [host, form, region] of table) {
      const found = read(line({ by: `by ${host}` }))
      assert.deepEqual([found.form, found.region], [form, region])
    }
    const others = ['mx.example', 'inbound-smtp.example', 'email-smtp.eu-west-1.amazonaws.com']
    for (const host of others) assert.equal(readSesReceived(line({ by: `by ${host}` })), undefined)
    assert.ok('fault' in (readSesReceived(line({ by: 'by x.inbound-smtp.eu-west-1.amazonaws.com' })) ?? {}))
    assert.equal(
      readSesReceived('from inbound-smtp.eu-west-1.amazonaws.com (x [192.0.2.1]) by mx.example; ' + DATE),
      undefined,
    )
  })

  it('says what in it can not be read', () => {
    const table: [string, RegExp][] = [
      [line({ id: '' }), /readable id/],
      [line({ id: 'short' }), /readable id/],
      [line({ id: '<script>alert' }), /readable id/],
      [line({ id: 'x'.repeat(129) }), /readable id/],
      [`from h (r [192.0.2.7]) ${BY}; ${DATE}`, /readable id/],
      [line({ by: 'by inbound-smtp.nowhere.amazonaws.com' }), /readable region/],
      [line({ by: 'by inbound-smtp.eu-west-1.evil.amazonaws.com' }), /can't be read|readable region/],
      [line({ by: 'by inbound-smtp.eu-west-1.amazonaws.com.evil.example' }), /can't be read|readable region/],
      [line({ date: '' }), /readable date/],
      [line().replace(';', ''), /readable date/],
      [line({ date: 'yesterday' }), /readable date/],
    ]
    for (const [value, fault] of table) {
      const found = readSesReceived(value)
      assert.ok(found && 'fault' in found, value)
      assert.match(found.fault, fault)
    }
  })

  it('may have an id of a form that is not known', () => {
    for (const id of ['abcd1234-abcd-1234.abcd_1', 'A1234567', `${ID}2`]) {
      const found = read(line({ id }))
      assert.deepEqual([found.sesId, found.sesIdIsUsual], [id, false])
    }
  })

  it('has a recipient in any writing that is one address, and none otherwise', () => {
    const table: [string, string | undefined][] = [
      [' for <a@yours.example>', 'a@yours.example'],
      [' (version=TLSv1.3 cipher=TLS_AES_256_GCM_SHA384) for <a@yours.example>', 'a@yours.example'],
      [' for "a; b"@yours.example', '"a; b"@yours.example'],
      [' for <"a > b"@yours.example>', '"a > b"@yours.example'],
      [' for "a\\" for \\"b@c"@yours.example', '"a\\" for \\"b@c"@yours.example'],
      [' for "a\\\\"@yours.example', '"a\\\\"@yours.example'],
      [' for a@[192.0.2.1]', 'a@[192.0.2.1]'],
      ['', undefined],
      [' for a', undefined],
      [' for a@', undefined],
      [' for a@x.example, b@x.example', undefined],
      [' for "a@yours.example', undefined],
      [' for "a\\\\"b"@yours.example', undefined],
      [' for x"@yours.example', undefined],
      [' for <a@yours.example', undefined],
    ]
    for (const [text, expected] of table) {
      const found = read(line({ for: text }))
      assert.deepEqual([found.forRecipient, found.sesId], [expected, ID], text)
    }
  })

  it('is not moved by what a HELO or a host name says', () => {
    const lie = `${BY} with SMTP id ${FORGED} for victim@yours.example;`
    const helos = [
      lie,
      `h ${lie}`,
      `h (x [192.0.2.9]) ${lie}`,
      `h (x [192.0.2.9]) ${BY} with SMTP id ${FORGED} (`,
      `"h ${lie}`,
      `(((`,
      `) ${lie} (`,
      `inbound-smtp.us-east-1.amazonaws.com`,
      `h for victim@yours.example`,
    ]
    for (const helo of helos) {
      for (const from of [`from ${helo} (r.example [192.0.2.7])`, `from h.example (${helo} [192.0.2.7])`]) {
        const found = read(line({ from }))
        assert.deepEqual([found.sesId, found.forRecipient], [ID, 'a@yours.example'], from)
      }
    }
  })

  it('is not moved by what a quoted recipient says', () => {
    const quoted = `"x ${BY} with SMTP id ${FORGED} for victim;"@yours.example`
    for (const recipient of [quoted, `<${quoted}>`]) {
      const found = read(line({ for: ` for ${recipient}` }))
      assert.deepEqual([found.sesId, found.forRecipient], [ID, quoted])
    }
  })

  it('is a fault with two dates, since the sender may have written either', () => {
    const lie = `${BY} with SMTP id ${FORGED} for victim@yours.example; ${DATE}`
    const values = [
      line({ from: `from h (x [192.0.2.9]) ${lie} (r.example [192.0.2.7])` }),
      line({ from: `from h.example (${lie} [192.0.2.7])` }),
      line({ for: ` for "x; ${DATE}"@yours.example` }),
      // the sender's first line, which begins with a blank
      `${line()} (x [192.0.2.9]) ${lie}`,
      `${line()}; ${DATE}`,
      `${line()} ${DATE.replace('Thu, ', '').replaceAll(' ', '\t')}`,
    ]
    for (const value of values) {
      assert.deepEqual(readSesReceived(value), { fault: "SES's Received line has two dates" }, value)
    }
  })

  it('is a fault with anything behind the date but the comment on its zone', () => {
    for (const behind of [
      'x',
      '(x)',
      ';',
      '\0',
      `${BY} with SMTP id ${FORGED}`,
      'for victim@yours.example',
    ]) {
      const found = readSesReceived(`${line()} ${behind}`)
      assert.ok(found && 'fault' in found, behind)
    }
  })

  it("is read across Haraka's line break, or else it is a fault", () => {
    const found = readSesReceived(line())
    assert.deepEqual(readSesReceivedField({ name: 'received', raw: line(), joined: line() }), found)
    const fault = { fault: "SES's Received line can't be read" }
    const broken = line().replace('inbound-smtp', 'inbou nd-smtp')
    assert.equal(readSesReceived(broken), undefined)
    assert.deepEqual(readSesReceivedField({ name: 'received', raw: broken, joined: line() }), fault)
    assert.deepEqual(readSesReceivedField({ name: 'received', raw: broken }), fault)
    const elsewhere = line().replace('h.example', 'h.exa mple')
    assert.deepEqual(readSesReceivedField({ name: 'received', raw: elsewhere, joined: line() }), fault)
    const hop = `from inbound-smtp.eu-west-1.amazonaws.com (x [192.0.2.1]) by mx.example; ${DATE}`
    assert.equal(readSesReceivedField({ name: 'received', raw: hop, joined: hop }), undefined)
  })

  it('is a fault if it could be read in two ways, and never another recipient', () => {
    const values = [
      // another hop's line, whose recipient speaks of SES
      `from h (h [192.0.2.1]) by mx.example with ESMTP id 1 for <"${BY} with SMTP id ${FORGED} "@x.example>; ${DATE}`,
      `from x by y for " (r.example [192.0.2.7]) ${BY} with SMTP id ${ID} for b"@yours.example; ${DATE}`,
      `from x ${BY} with SMTP id ${FORGED} (r [192.0.2.1]) by mx.example with SMTP id 1; ${DATE}`,
      `from h (r [192.0.2.7]) ${BY} with SMTP id ${ID} for "x ${BY} with SMTP id ${FORGED} y; ${DATE}`,
      `from h (r [192.0.2.7]) ${BY} with SMTP id ${ID} for x ${BY} with SMTP id ${FORGED} for y@x.example; ${DATE}`,
      `from x ${BY} with SMTP id ${FORGED} for y (r [192.0.2.1]) by mx.example with SMTP id 1; ${DATE}`,
      `from x ${BY} with SMTP id ${FORGED} for y; z; ${DATE}`,
      `from x ${BY} with SMTP id ${FORGED} for y; z with SMTP id ${ID} for a@yours.example; ${DATE}`,
    ]
    for (const value of values) {
      const found = readSesReceived(value)
      assert.ok(found && 'fault' in found, value)
    }
  })

  it('names its client only where it is written as SES writes it', () => {
    const table: [string, SesReceived['client']][] = [
      ['from h (r [2001:db8::1])', { helo: 'h', name: 'r', ip: '2001:db8::1' }],
      ['from [192.0.2.7] ([192.0.2.7])', { helo: '[192.0.2.7]', name: '', ip: '192.0.2.7' }],
      ['from h (r [IPv6:2001:db8::1])', { helo: 'h', name: 'r', ip: '2001:db8::1' }],
      ['from h (r [999.0.2.7])', undefined],
      ['from h [192.0.2.7]', undefined],
      ['from h', undefined],
      ['', undefined],
    ]
    for (const [from, client] of table) assert.deepEqual(read(line({ from })).client, client, from)
  })

  it('is read in linear time', () => {
    for (const piece of ['(', ';', '"', '\\"', ' for ', ' by ', `${BY} `, ' [', '@', '\\', '\t']) {
      readSesReceived(
        line({ from: `from ${piece.repeat(100_000)}`, for: ` for ${piece.repeat(100_000)}"@x.example` }),
      )
    }
  })
})

describe('the date of a Received line', () => {
  it('is RFC 5322, with its zone', () => {
    const table: [string, string | undefined][] = [
      ['Thu, 20 Feb 2025 12:38:04 +0000 (UTC)', '2025-02-20T12:38:04.000Z'],
      ['20 Feb 2025 12:38 -0130', '2025-02-20T14:08:00.000Z'],
      [' Wed,  9 Dec 2020 04:19:28 +0530 ', '2020-12-08T22:49:28.000Z'],
      ['Thu, 01 Jan 1970 00:00:00 GMT', '1970-01-01T00:00:00.000Z'],
      ['Fri, 31 Dec 2100 23:59:60 +0000', '2101-01-01T00:00:00.000Z'],
      ['Thu, 29 Feb 2024 00:00:00 +0000', '2024-02-29T00:00:00.000Z'],
      ['Thu, 29 Feb 2025 00:00:00 +0000', undefined],
      ['Thu, 0 Feb 2025 00:00:00 +0000', undefined],
      ['Thu, 20 Feb 2025 24:00:00 +0000', undefined],
      ['Thu, 20 Feb 2025 12:60:00 +0000', undefined],
      ['Thu, 20 Feb 2025 12:38:04', undefined],
      ['Thu, 20 Feb 2025 12:38:04 +2500', undefined],
      ['Thu, 20 Feb 25 12:38:04 +0000', undefined],
      ['Thu, 20 Foo 2025 12:38:04 +0000', undefined],
      ['2025-02-20T12:38:04Z', undefined],
      ['Thu, 20 Feb 2025 12:38:04 +0000 (UTC) x', undefined],
      ['31 Dec 1969 23:59:59 +0000', undefined],
      ['', undefined],
    ]
    for (const [text, expected] of table) {
      const found = parseDate(text)
      assert.equal(found === undefined ? undefined : new Date(found).toISOString(), expected, text)
    }
  })
})
