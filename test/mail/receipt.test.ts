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
  proved: { spfDomain?: string; dkimDomains: string[]; dmarcDomain?: string }
}

const EXPECTED: Record<string, Expected> = {
  '2016-us-west-2-no-receipt-header.eml': {
    id: 'vg7gbujm982l5htab7k2ao6ph9lg701kf3d4ito1',
    region: 'us-west-2',
    at: '2016-04-12T22:02:34.000Z',
    to: 'user19@h39.site5.test',
    from: 'user20@site5.test',
    client: ['h24.site2.test', 'h24.site2.test', 14],
    verdicts: 'pass pass pass pass none',
    proved: { spfDomain: 'site5.test', dkimDomains: ['site5.test'] },
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
    proved: { dkimDomains: [] },
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
  '2026-us-west-2-scanning-off.eml': {
    id: 'bjeaq8b6ultae1j07u2rjmh596k0k6japeqic601',
    region: 'us-west-2',
    at: '2026-06-07T01:38:58.000Z',
    to: 'user26@site31.test',
    from: 'user25@site30.test',
    client: ['h72.site30.test', 'h37.site32.test', 21],
    verdicts: 'none none pass none none',
    proved: { spfDomain: 'site30.test', dkimDomains: [] },
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
const FORGED_RESULTS = FORGED.slice(-1)
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
    assert.deepEqual(await receiptOf(HARAKAS), { fault: 'no Received line of SES', warnings: [] })
    assert.deepEqual(await receiptOf([]), { fault: 'no Received line of SES', warnings: [] })
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

describe("SES's own results", () => {
  const nothing = { dkimDomains: [] }

  it('end at the first field that is none of them, or is there already', async () => {
    for (const name of ['X-SES-RECEIPT', 'X-SES-DKIM-SIGNATURE', 'X-Relay', 'Received']) {
      const lines = edited(ALL_PASS, fields =>
        fields.map(field => field.replace(/^Authentication-Results/, `${name}: x\n$&`)),
      ).flatMap(field => linesOf(field.trimEnd()))
      const { receipt } = await receiptOf(lines)
      assert.deepEqual(receipt?.authentication, { spfDomain: 'site4.test', dkimDomains: [] }, name)
      assert.equal(receipt.verdicts.dmarc, 'none')
    }
    const repeated = withBelow(ALL_PASS, 'X-SES-Virus-Verdict', ['X-SES-Spam-Verdict: FAIL\n'])
    const { receipt } = await receiptOf(repeated)
    assert.equal(receipt?.verdicts.spam, 'pass')
    assert.deepEqual(receipt.authentication, nothing)
  })

  it('do not include results that the sender wrote', async () => {
    const { authentication } = (await receiptOf(headerLines(ALL_PASS))).receipt ?? {}
    for (const lines of [
      withBelow(ALL_PASS, 'Authentication-Results', FORGED_RESULTS),
      withBelow(ALL_PASS, 'X-SES-RECEIPT', FORGED_RESULTS),
      [...FORGED_RESULTS, ...headerLines(ALL_PASS)],
    ]) {
      assert.deepEqual((await receiptOf(lines)).receipt?.authentication, authentication)
    }
    const manager = (await receiptOf(headerLines(MAIL_MANAGER))).receipt?.authentication
    const forgedBelow = withBelow(MAIL_MANAGER, 'Received', FORGED_RESULTS)
    assert.deepEqual((await receiptOf(forgedBelow)).receipt?.authentication, manager)
    const forgedAlone = [
      ...without(MAIL_MANAGER, 'Authentication-Results', 'Received-SPF'),
      ...FORGED_RESULTS,
    ]
    assert.deepEqual((await receiptOf(forgedAlone)).receipt?.authentication, nothing)
  })

  it("take no Authentication-Results that differ from SES's Received-SPF, or are another server's", async () => {
    const lines = without(ALL_PASS, 'Authentication-Results')
    const after = (added: readonly string[]) =>
      lines.flatMap(field => (field.startsWith('Received-SPF') ? [field, ...added] : [field]))
    const value = FORGED_RESULTS[0] ?? ''
    const agreeing = value.replace('victim@forged.test', 'user4@site4.test')
    assert.equal((await receiptOf(after([agreeing]))).receipt?.authentication.dmarcDomain, 'forged.test')
    const others = [
      value,
      agreeing.replace('spf=pass', 'spf=fail'),
      agreeing.replace('amazonses.com', 'mx.test'),
      agreeing.replace('spf=pass (x)', 'x=y'),
    ]
    for (const other of others) {
      const { receipt } = await receiptOf(after([other]))
      assert.deepEqual(receipt?.authentication, { spfDomain: 'site4.test', dkimDomains: [] }, other)
      assert.deepEqual(
        [receipt.verdicts.spf, receipt.verdicts.dkim, receipt.verdicts.dmarc],
        ['pass', 'none', 'none'],
      )
    }
  })

  it('stand under the name that Haraka gives them as well', async () => {
    const lines = edited(ALL_PASS, fields => fields.map(field => field.replace(/^Auth/, 'Original-Auth')))
    assert.equal((await receiptOf(lines)).receipt?.verdicts.dkim, 'pass')
  })

  it('take SPF from Authentication-Results where there is no Received-SPF', async () => {
    const { receipt } = await receiptOf(without(ALL_PASS, 'Received-SPF'))
    assert.equal(receipt?.verdicts.spf, 'pass')
    assert.equal(receipt.authentication.spfDomain, 'site4.test')
  })

  it('prove nothing when they, or the HELO in them, could be read in two ways', async () => {
    const edits: [RegExp, string][] = [
      [/\(spfCheck/g, '((spfCheck'],
      [/envelope-from=/g, 'envelope-from="'],
      [/from h54\.site6\.test/, 'from h;dkim=pass'],
      [/\(h54\.site6\.test/, '(h"54'],
      [/\[192\.0\.2\.2\]\)/, '[192.0.2.2]'],
    ]
    for (const [from, to] of edits) {
      const { receipt } = await receiptOf(
        edited(ALL_PASS, fields => fields.map(field => field.replace(from, to))),
      )
      assert.deepEqual(receipt?.authentication, nothing, String(from))
      assert.deepEqual(
        [receipt.verdicts.spam, receipt.verdicts.spf, receipt.verdicts.dkim],
        ['pass', 'none', 'none'],
      )
    }
  })

  it('keep every word of SES, and let nothing else through', async () => {
    for (const [word, expected] of [
      ['GRAY', 'gray'],
      ['PROCESSING_FAILED', 'processing_failed'],
      ['', 'none'],
      ['PASS\u001b[31m', 'none'],
      ['PASS PASS', 'none'],
    ] as const) {
      const lines = edited(ALL_PASS, fields =>
        fields.map(field => field.replace(/(Spam-Verdict:).*/, `$1 ${word}`)),
      )
      assert.equal((await receiptOf(lines)).receipt?.verdicts.spam, expected)
    }
  })
})
