import assert from 'node:assert/strict'
import fc from 'fast-check'
import { addressKey } from '../../src/mail/address'
import type { Envelope } from '../../src/mail/facts'
import { readHeader } from '../../src/mail/header'
import { type FactsQuestion, readFacts } from '../../src/mail/read-facts'
import { readReceipt } from '../../src/mail/receipt'
import { scanTraceHeaders } from '../../src/mail/scan-trace-headers'
import { propertyRuns } from '../property-runs'
import { foldedEverywhere, headerLines, mutated, random, SAMPLES } from './samples'

const RUNS = propertyRuns(600)
const ENVELOPE: Envelope = {
  sender: 'relay@relay.test',
  recipients: [{ address: 'user5@site5.test', notifyNever: false }],
  relayIp: '192.0.2.1',
  sizeBytes: 1000,
}
const SAMPLE = '2022-us-east-1-all-pass.eml'
const RECEIVED_AT_MS = Date.UTC(2022, 0, 13, 21, 2, 45)

function question(lines: readonly string[], more: Partial<FactsQuestion> = {}): FactsQuestion {
  return {
    envelope: ENVELOPE,
    headerLines: lines,
    headerIsCut: false,
    ownFields: 0,
    receivesFor: () => true,
    isOfOwnOrganisation: () => true,
    relayRecipients: 'auto',
    nowMs: RECEIVED_AT_MS,
    content: () => assert.fail('nobody asked for content'),
    results: () => [],
    ...more,
  }
}

/** Ids in the first Received line, with its folds, that names a host of SES. */
function idsInTopmostLine(lines: readonly string[]): string[] {
  const fields = lines
    .join('')
    .replaceAll(/\r*\n(?=[ \t\r\n])/g, '')
    .split('\n')
  const host = /\bby\s+(?:inbound-smtp|(?:open|auth|mtls)\.mail-manager-smtp)\.\S*amazonaws\.com/i
  const line = fields.find(field => /^received[ \t]*:/i.test(field) && host.test(field))
  return line?.split(/\s+/) ?? []
}

describe('the facts of a mail', function () {
  it('put receipt, sender, recipients and header together', async () => {
    const facts = await readFacts(question(headerLines(SAMPLE)))
    assert.equal(facts.receipt?.sesId, 's08vnjngg8o82cpus2084722eiate3c6ig885f01')
    assert.equal(facts.receiptFault, undefined)
    assert.equal(facts.sender, 'user4@site4.test')
    assert.deepEqual(facts.recipients, [
      { envelope: ENVELOPE.recipients[0], address: 'user5@site5.test', source: 'for' },
    ])
    assert.deepEqual(facts.headers.values('subject'), ['sample'])
    assert.deepEqual(facts.warnings, [])
  })

  it("use the envelope's sender if there is no receipt, and give the reason", async () => {
    const facts = await readFacts(question(['Subject: x\n']))
    assert.equal(facts.receipt, undefined)
    assert.equal(facts.receiptFault, 'no Received line of SES')
    assert.equal(facts.sender, 'relay@relay.test')
    assert.equal(facts.recipients[0]?.source, 'envelope')
  })

  it('warn of a receipt from the future, and leave its time as written', async () => {
    const facts = await readFacts(question(headerLines(SAMPLE), { nowMs: RECEIVED_AT_MS - 1 }))
    assert.equal(facts.receipt?.receivedAtMs, RECEIVED_AT_MS)
    assert.deepEqual(facts.warnings, ["SES's receipt lies in the future: 2022-01-13T21:02:45.000Z"])
  })

  it('are there for a header of 1 MB', async () => {
    const added = Array.from({ length: 970 }, (_, i) => `Received: from x${i} by y; ${'('.repeat(1000)}\n`)
    const { receipt } = await readFacts(question([...added, ...headerLines(SAMPLE)]))
    assert.equal(receipt?.returnPath, 'user4@site4.test')
    const forged = Array.from(
      { length: 970 },
      () => `Received: ${'by inbound-smtp.amazonaws.com '.repeat(30)}\n`,
    )
    assert.equal((await readFacts(question(forged))).receiptFault, "SES's Received line can't be read")
  })

  it("hold no id but the topmost line's, whatever became of the mail on its way", async () => {
    const pick = random(20250220)
    let receipts = 0
    for (let run = 0; run < RUNS; run++) {
      const sample = headerLines(SAMPLES[pick(SAMPLES.length)] ?? SAMPLE)
      const lines = mutated(pick(3) === 0 ? foldedEverywhere(sample) : sample, pick)
      const { receipt, receiptFault } = await readFacts(question([...lines, ...headerLines(SAMPLE)]))
      assert.equal(receipt === undefined, receiptFault !== undefined)
      if (receipt === undefined) continue
      receipts++
      const ids = idsInTopmostLine([...lines, ...headerLines(SAMPLE)])
      assert.ok(ids.includes(receipt.sesId), JSON.stringify({ ids, receipt, lines }))
    }
    assert.ok(receipts > RUNS / 2, `${receipts}`)
  })
})

describe('a peek', function () {
  /** Proves that the receipt of readReceipt is among the candidates. */
  async function proveCovered(lines: readonly string[], ownFields: number): Promise<boolean> {
    const { receipt } = readReceipt((await readHeader(lines, ownFields)).fields)
    const candidates = scanTraceHeaders(lines, ownFields)
    // then the mail is looked at whole
    if (candidates === undefined) return false
    const { forCandidates, returnPathCandidates } = candidates
    for (const [found, among] of [
      [receipt?.forRecipient, forCandidates],
      [receipt?.returnPath, returnPathCandidates],
    ] as const) {
      if (found === undefined) continue
      assert.ok(among.map(addressKey).includes(addressKey(found)), JSON.stringify({ found, among, lines }))
    }
    return receipt?.forRecipient !== undefined
  }

  it("finds SES's recipient and sender, and leaves out Haraka's line", () => {
    const lines = ['Received: by x.amazonaws.com for <own@haraka.test>; x\n', ...headerLines(SAMPLE)]
    assert.deepEqual(scanTraceHeaders(lines, 1), {
      forCandidates: ['user5@site5.test'],
      returnPathCandidates: ['user4@site4.test'],
    })
    assert.deepEqual(scanTraceHeaders(['Subject: x\n', 'Received: by mx.test for <a@b.test>; x\n'], 0), {
      forCandidates: [],
      returnPathCandidates: [],
    })
    assert.deepEqual(scanTraceHeaders([], 1), { forCandidates: [], returnPathCandidates: [] })
  })

  it('requires a complete reading if there are too many lines or too long ones, or Haraka may have broken one', () => {
    const lines = headerLines(SAMPLE)
    const paths = (count: number) => Array.from({ length: count }, (_, i) => `Return-Path: <a${i}@b.test>\n`)
    assert.equal(scanTraceHeaders(paths(100), 0)?.returnPathCandidates.length, 100)
    assert.equal(scanTraceHeaders(paths(101), 0), undefined)
    const folds = Array.from({ length: 50 }, () => ` ${'x'.repeat(90)}\n`)
    assert.equal(scanTraceHeaders([...lines, 'Received: from a\n', ...folds], 0), undefined)
    const broken = `Received: from ${'a'.repeat(990 - 'Received: from '.length)}\n`
    assert.equal(
      scanTraceHeaders([broken, ' b by inbound-smtp.eu-west-1.amazonaws.com\n', ...lines], 0),
      undefined,
    )
    assert.ok(
      scanTraceHeaders(['Subject: x\n', ...folds, ...lines], 0),
      'other fields may be as long as they like',
    )
  })

  it('misses nothing that the receipt holds, in samples and what can become of them', async () => {
    const pick = random(20250220)
    let found = 0
    for (let run = 0; run < RUNS; run++) {
      const sample = headerLines(SAMPLES[run % SAMPLES.length] ?? SAMPLE)
      const lines = mutated(run % 3 === 0 ? foldedEverywhere(sample) : sample, pick)
      if (await proveCovered(lines, run % 2)) found++
    }
    assert.ok(found > RUNS / 4, `${found}`)
  })

  it('misses nothing in headers made of the pieces that matter', async () => {
    const line = fc.constantFrom(
      'Received: from h (h [192.0.2.1])',
      'received :',
      'Received',
      'Return-Path: <A@x.example>',
      'RETURN-PATH:',
      ' <"b c"@x.example>',
      ' by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abcdefgh1',
      ' for a@x.example; Thu, 20 Feb 2025 12:38:04 +0000',
      '\r for <"a"@bücher.example>; Thu, 20 Feb 2025 12:38:04 +0000',
      '',
      '\r',
      '\tx',
      'X: y',
    )
    const whole =
      'Received: by inbound-smtp.eu-west-1.amazonaws.com with SMTP id abcdefgh1 for a@x.example; Thu, 20 Feb 2025 12:38:04 +0000\n'
    const property = fc.asyncProperty(fc.array(line, { maxLength: 12 }), fc.nat(2), async (lines, own) => {
      const ended = lines.map(text => `${text}\n`)
      await proveCovered(ended, own)
      assert.ok(
        await proveCovered([...ended.slice(0, own), 'X: y\n', 'X: y\n', 'Return-Path: <>\n', whole], own),
      )
    })
    await fc.assert(property, { numRuns: RUNS / 2 })
  })
})
