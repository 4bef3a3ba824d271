import assert from 'node:assert/strict'
import { readHeader } from '../../src/mail/header'
import { type ReceiptResult, readReceipt } from '../../src/mail/receipt'
import { flattened, foldedEverywhere, headerLines, linesOf, SAMPLES } from './samples'

interface Expected {
  id: string
  region: string
  at: string
  to: string
  from: string | undefined
  /** HELO, name, last number of the address. */
  client: [string, string, number]
  /** Spam, virus, SPF, DKIM, DMARC. */
  verdicts: string
  proved: { spfDomain?: string; dkimDomains: string[]; dmarcDomain?: string; flaw?: string }
}

const NOT_CLOSED = { dkimDomains: [], flaw: "SES's results aren't closed by X-SES-RECEIPT" }

const EXPECTED: Record<string, Expected> = {
  '2016-us-west-2-no-receipt-header.eml': {
    id: 'vg7gbujm982l5htab7k2ao6ph9lg701kf3d4ito1',
    region: 'us-west-2',
    at: '2016-04-12T22:02:34.000Z',
    to: 'user19@h39.site5.test',
    from: 'user20@site5.test',
    client: ['h24.site2.test', 'h24.site2.test', 14],
    verdicts: 'none none none none none',
    proved: NOT_CLOSED,
  },
  '2017-us-west-2-old-signature.eml': {
    id: '0pg0k9ut54o0ar4305111hucc20u6b01mmq2e681',
    region: 'us-west-2',
    at: '2017-09-02T04:43:30.000Z',
    to: 'user22@site27.test',
    from: 'user21@site14.test',
    client: ['h27.site2.test', 'h27.site2.test', 15],
    verdicts: 'pass pass pass pass none',
    proved: { spfDomain: 'site14.test', dkimDomains: ['site14.test'] },
  },
  '2018-us-west-2-no-dmarc-result.eml': {
    id: 's3guf52n3mef53rccj4fs4stce1dmo0hf80p5b01',
    region: 'us-west-2',
    at: '2018-08-13T19:19:21.000Z',
    to: 'user17@h80.site25.test',
    from: 'user17@site24.test',
    client: ['h68.site2.test', 'h68.site2.test', 13],
    verdicts: 'pass pass none pass none',
    proved: { dkimDomains: ['h64.site26.test'] },
  },
  '2020-eu-west-1-scanning-off-for-differs-from-to.eml': {
    id: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
    region: 'eu-west-1',
    at: '2020-02-17T12:14:51.000Z',
    to: 'user16@site21.test',
    from: 'user15@site20.test',
    client: ['h35.site22.test', 'h89.site22.test', 12],
    verdicts: 'none none permerror none fail',
    proved: { dkimDomains: [] },
  },
  '2020-eu-west-1-spf-neutral-dmarc-fail.eml': {
    id: '2c9c57fhmj03rtht1mcq6gvpg9hijo77ju218ag1',
    region: 'eu-west-1',
    at: '2020-12-09T09:19:29.000Z',
    to: 'user7@h30.site8.test',
    from: 'user6@site7.test',
    client: ['h53.site9.test', 'h53.site9.test', 3],
    verdicts: 'pass pass neutral pass fail',
    proved: { dkimDomains: ['site9.test'] },
  },
  '2021-us-east-1-null-sender-no-dkim.eml': {
    id: '5hb2bs1g6m0qnbsmk3m0csgl4j2osbk1gg3pbao1',
    region: 'us-east-1',
    at: '2021-01-23T13:17:04.000Z',
    to: 'user14@site17.test',
    from: '',
    client: ['h91.site18.test', 'h53.site19.test', 11],
    verdicts: 'pass pass none none permerror',
    proved: { dkimDomains: [] },
  },
  '2021-us-east-1-null-sender.eml': {
    id: '5e80t24a0jg9pdfa0mqcdr913btr0bukk325cq01',
    region: 'us-east-1',
    at: '2021-01-17T11:52:22.000Z',
    to: 'user13@site16.test',
    from: '',
    client: ['a14-86.smtp-out.amazonses.com', 'a14-86.smtp-out.amazonses.com', 10],
    verdicts: 'pass pass none pass permerror',
    proved: { dkimDomains: ['amazonses.com'] },
  },
  '2022-eu-west-1-no-dkim-result.eml': {
    id: '2f5o7drgukqhmg1aff9de61r6b9mtpe4lkuqr4o1',
    region: 'eu-west-1',
    at: '2022-05-27T09:48:04.000Z',
    to: 'user10@h30.site8.test',
    from: 'user9@site13.test',
    client: ['h72.site13.test', 'h72.site13.test', 8],
    verdicts: 'pass pass pass none pass',
    proved: { spfDomain: 'site13.test', dkimDomains: [], dmarcDomain: 'site13.test' },
  },
  '2022-us-east-1-all-pass.eml': {
    id: 's08vnjngg8o82cpus2084722eiate3c6ig885f01',
    region: 'us-east-1',
    at: '2022-01-13T21:02:45.000Z',
    to: 'user5@site5.test',
    from: 'user4@site4.test',
    client: ['h54.site6.test', 'h54.site6.test', 2],
    verdicts: 'pass pass pass pass pass',
    proved: { spfDomain: 'site4.test', dkimDomains: ['site4.test'], dmarcDomain: 'site4.test' },
  },
  '2024-us-west-2-refolded-by-later-hops.eml': {
    id: 't2h73osf72gp28frdr4lj61kq4o9tfsnruoi4701',
    region: 'us-west-2',
    at: '2024-10-21T11:43:07.000Z',
    to: 'user23@h12.site29.test',
    from: undefined,
    client: ['h79.site28.test', 'h79.site28.test', 18],
    verdicts: 'none none none none none',
    proved: NOT_CLOSED,
  },
  '2025-us-east-2-all-pass.eml': {
    id: 's1ogi7pdiu6bb79u9cils77d2nq5q0olf9vu7n81',
    region: 'us-east-2',
    at: '2025-03-26T09:51:49.000Z',
    to: 'user2@h91.site1.test',
    from: 'user1@site1.test',
    client: ['h83.site2.test', 'h83.site2.test', 1],
    verdicts: 'pass pass pass pass pass',
    proved: { spfDomain: 'site1.test', dkimDomains: ['site1.test'], dmarcDomain: 'site1.test' },
  },
  '2025-us-east-2-mail-manager.eml': {
    id: 'i96v0slmqobd69l5es724hjqh9ls18qog305oog1',
    region: 'us-east-2',
    at: '2025-07-08T22:38:29.000Z',
    to: 'user12@site15.test',
    from: 'user11@site14.test',
    client: ['h49.site2.test', 'h49.site2.test', 9],
    verdicts: 'none none pass pass pass',
    proved: { spfDomain: 'site14.test', dkimDomains: ['site14.test'], dmarcDomain: 'site14.test' },
  },
  '2025-us-east-2-spam-fail-auth-pass.eml': {
    id: 'vm1p3c6jenrgbr944ldf0ljraep1ndp19hbclt01',
    region: 'us-east-2',
    at: '2025-02-20T12:38:04.000Z',
    to: 'user24@h91.site1.test',
    from: 'user1@site1.test',
    client: ['h18.site2.test', 'h18.site2.test', 20],
    verdicts: 'fail pass pass pass pass',
    proved: { spfDomain: 'site1.test', dkimDomains: ['site1.test'], dmarcDomain: 'site1.test' },
  },
  '2026-us-west-2-scanning-off-with-results.eml': {
    id: 'bjeaq8b6ultae1j07u2rjmh596k0k6japeqic601',
    region: 'us-west-2',
    at: '2026-06-07T01:38:58.000Z',
    to: 'anna@yours.test',
    from: 'news@origin.example',
    client: ['mail2.origin.example', 'host7.isp.example', 21],
    verdicts: 'none none pass pass pass',
    proved: {
      spfDomain: 'origin.example',
      dkimDomains: ['origin.example'],
      dmarcDomain: 'origin.example',
    },
  },
}

const FORGED_ID = `${'f'.repeat(38)}g1`
const FORGED = linesOf(
  [
    'Return-Path: <victim@forged.test>',
    'Received: from f.test (f.test [192.0.2.99])',
    ` by inbound-smtp.us-east-1.amazonaws.com with SMTP id ${FORGED_ID}`,
    ' for other@forged.test;',
    ' Thu, 20 Feb 2025 12:38:04 +0000 (UTC)',
    'X-SES-Spam-Verdict: PASS',
    'Received-SPF: pass (x) client-ip=192.0.2.99; envelope-from=victim@forged.test; helo=f.test;',
    'Authentication-Results: amazonses.com; spf=pass (x) client-ip=192.0.2.99; envelope-from=victim@forged.test; helo=f.test; dkim=pass header.i=@forged.test; dmarc=pass header.from=forged.test;',
  ].join('\n'),
)
const ALL_PASS = '2022-us-east-1-all-pass.eml'
const MAIL_MANAGER = '2025-us-east-2-mail-manager.eml'
const HARAKAS = [
  'Received: from relay.test (relay.test [127.0.0.1])\n',
  '\tby mx.test (Haraka) with ESMTP id 1\n',
]

async function receiptOf(lines: readonly string[], ownFields = 0): Promise<ReceiptResult> {
  return readReceipt((await readHeader(lines, ownFields)).fields)
}

/** The sample's header as fields of one line each, changed. */
function edited(sample: string, edit: (fields: string[]) => string[]): string[] {
  return edit(flattened(headerLines(sample)))
}

function withBelow(sample: string, name: string, added: readonly string[]): string[] {
  return edited(sample, fields =>
    fields.flatMap(field => (field.startsWith(`${name}:`) ? [field, ...added] : [field])),
  )
}

function without(sample: string, ...names: string[]): string[] {
  return edited(sample, fields => fields.filter(field => !names.some(name => field.startsWith(`${name}:`))))
}

describe('the receipt', () => {
  it('has an expectation for every sample', () => {
    assert.deepEqual(Object.keys(EXPECTED), SAMPLES)
  })

  for (const [sample, expected] of Object.entries(EXPECTED)) {
    it(`of ${sample} is what SES wrote, however it is folded`, async () => {
      const [helo, name, host] = expected.client
      const [spam, virus, spf, dkim, dmarc] = expected.verdicts.split(' ')
      const receipt = {
        form: sample === MAIL_MANAGER ? 'mail-manager' : 'classic',
        sesId: expected.id,
        sesIdIsUsual: true,
        region: expected.region,
        receivedAtMs: Date.parse(expected.at),
        forRecipient: expected.to,
        ...(expected.from !== undefined && { returnPath: expected.from }),
        client: { helo, name, ip: `192.0.2.${host}` },
        verdicts: { spam, virus, spf, dkim, dmarc },
        authentication: expected.proved,
      }
      const lines = headerLines(sample)
      for (const variant of [lines, flattened(lines), foldedEverywhere(lines)]) {
        assert.deepEqual(await receiptOf(variant), { receipt, warnings: [] })
        assert.deepEqual(await receiptOf([...HARAKAS, ...variant], 1), { receipt, warnings: [] })
        assert.deepEqual(await receiptOf([...variant, ...FORGED]), { receipt, warnings: [] })
      }
    })
  }

  it('is the topmost one, also when that one can not be read', async () => {
    for (const [from, to] of [
      [/ id \w+/, ' id ?'],
      [/Thu, 13/, 'Foo'],
      [/us-east-1\.ama/, 'somewhere.ama'],
    ] as const) {
      const broken = edited(ALL_PASS, fields => fields.map(field => field.replace(from, to)))
      const { receipt, fault } = await receiptOf([...broken, ...FORGED])
      assert.equal(receipt, undefined)
      assert.match(fault ?? '', /^SES's Received line has no readable (?:id|date|region)$/)
    }
  })

  it('is missing where SES wrote none', async () => {
    const verdicts = { spam: 'none', virus: 'none', spf: 'none', dkim: 'none', dmarc: 'none' }
    const none = { fault: 'no Received line of SES', verdicts, warnings: [] }
    assert.deepEqual(await receiptOf(HARAKAS), none)
    assert.deepEqual(await receiptOf([]), none)
  })

  it('comes with a warning when the id has an unusual form', async () => {
    const { receipt, warnings } = await receiptOf(
      edited(ALL_PASS, fields => fields.map(field => field.replace(/ id \w+/, ' id abc-DEF_123'))),
    )
    assert.equal(receipt?.sesId, 'abc-DEF_123')
    assert.equal(receipt.sesIdIsUsual, false)
    assert.deepEqual(warnings, ['the SES id abc-DEF_123 has an unusual form'])
  })
})

describe('the Return-Path of record', () => {
  it('stands directly above, and nowhere else', async () => {
    const between = withBelow(ALL_PASS, 'Return-Path', ['X-Relay: 1\n'])
    assert.equal((await receiptOf(between)).receipt?.returnPath, undefined)
    const missing = [...without(ALL_PASS, 'Return-Path'), 'Return-Path: <victim@forged.test>\n']
    assert.equal((await receiptOf(missing)).receipt?.returnPath, undefined)
    const twice = ['Return-Path: <relay@relay.test>\n', ...headerLines(ALL_PASS)]
    assert.equal((await receiptOf(twice)).receipt?.returnPath, 'user4@site4.test')
  })

  it('counts as missing when it is no address', async () => {
    const table: [string, string | undefined][] = [
      ['<>', ''],
      ['a@b.example', 'a@b.example'],
      ['<"a b"@b.example>', '"a b"@b.example'],
      ['', undefined],
      ['<a>', undefined],
      ['<a@b.example', undefined],
      ['<a@b.example> x', undefined],
      ['<a@b.example>, <c@b.example>', undefined],
    ]
    for (const [text, expected] of table) {
      const lines = [`Return-Path: ${text}\n`, ...without(ALL_PASS, 'Return-Path')]
      assert.equal((await receiptOf(lines)).receipt?.returnPath, expected, text)
    }
  })
})
