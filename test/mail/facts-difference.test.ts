import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { MailFacts } from '../../src/mail/facts'
import { differenceOf } from '../../src/mail/facts-difference'
import { warmUp } from '../../src/mail/header'
import { type FactsQuestion, readFacts, scanFacts } from '../../src/mail/read-facts'
import { scanHeader } from '../../src/mail/scan-header'
import { hostileHeader } from './hostile-headers'
import { headerLines, mutated, random, SAMPLES } from './samples'

function question(lines: readonly string[]): FactsQuestion {
  return {
    envelope: {
      sender: 'relay@relay.test',
      recipients: [{ address: 'user5@site5.test', notifyNever: false }],
      relayIp: '192.0.2.1',
      sizeBytes: 1000,
    },
    headerLines: lines,
    headerIsCut: false,
    ownFields: 0,
    receivesFor: () => true,
    isOfOwnOrganisation: () => true,
    relayRecipients: 'auto',
    nowMs: Date.UTC(2022, 0, 13),
    content: () => assert.fail('nobody asked for content'),
    results: () => [],
  }
}

/** All values that don't depend on a name. */
function valuesOf(facts: MailFacts) {
  const { receipt, receiptFault, verdictsWithoutReceipt, sender, recipients, author, warnings } = facts
  return { receipt, receiptFault, verdictsWithoutReceipt, sender, recipients, author, warnings }
}

function reading(lines: readonly string[]) {
  return { header: scanHeader(lines, 0), facts: scanFacts(question(lines)) }
}

function difference(change: (line: string) => string | string[], guardFields: readonly string[] = []) {
  const lines = headerLines('2022-us-east-1-all-pass.eml')
  return differenceOf(reading(lines), reading(lines.flatMap(change)), guardFields)
}

describe('the facts that rules are asked over', () => {
  before(warmUp)

  it("are those of mailparser's reading, whatever the header holds, so that the mail can be bounced", async () => {
    const pick = random(7)
    const samples = Array.from({ length: 500 }, () =>
      mutated(headerLines(SAMPLES[pick(SAMPLES.length)] ?? ''), pick),
    )
    for (const lines of [...samples, ...fc.sample(hostileHeader(), 500)]) {
      const scanned = scanFacts(question(lines))
      assert.deepEqual(valuesOf(scanned), valuesOf(await readFacts(question(lines))))
      assert('facts' in ((await scanned.confirm?.(['subject', 'precedence'])) ?? {}), JSON.stringify(lines))
    }
  })

  it('share one reading of the content with those that mailparser confirms', async () => {
    let reads = 0
    const scanned = scanFacts({
      ...question(headerLines(SAMPLES[0] ?? '')),
      content: async () => {
        reads++
        return { texts: [], attachments: [], isCut: true }
      },
    })
    const confirmed = await scanned.confirm?.([])
    assert(confirmed && 'facts' in confirmed)
    await confirmed.facts.content()
    await scanned.content()
    assert.equal(reads, 1)
    assert.equal(scanned.warnings.filter(text => text.includes('[content] limit')).length, 1)
    assert.deepEqual(confirmed.facts.warnings, scanned.warnings)
  })
})

describe('the difference between two readings of a header', () => {
  it('is none where they agree in all that a bounce needs', () => {
    assert.equal(
      difference(line => line),
      undefined,
    )
    assert.equal(
      difference(line => line.replace('Subject: ', 'Subject: other ')),
      undefined,
    )
  })

  it("is said of SES's fields, of From, of the recipients and of the fields that guards read", () => {
    assert.equal(
      difference(line => line.replace(/^Return-Path: <user/, 'Return-Path: <other')),
      "SES's fields",
    )
    assert.equal(
      difference(line => (line.startsWith('Received: ') ? [] : line)),
      "SES's fields",
    )
    assert.equal(
      difference(line => line.replace(/^X-SES-Virus-Verdict: PASS/, 'X-SES-Virus-Verdict: FAIL')),
      "SES's fields",
    )
    assert.equal(
      difference(line => line.replace(/^From: .*/, 'From: other@site4.test')),
      'From',
    )
    const precedence = (line: string) => (line.startsWith('Subject: ') ? [line, 'Precedence: bulk\n'] : line)
    assert.equal(difference(precedence, ['precedence']), 'precedence')
    assert.equal(difference(precedence), undefined)
  })
})
