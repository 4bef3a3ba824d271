// Peers that aren't trusted and hand over SES's mail: which of their mails are looked at, what is found, what is said.

import assert from 'node:assert/strict'
import { isFromSes, UntrustedPeers } from '../../src/haraka/untrusted-peers'
import { cpuMs } from '../cpu-time'

const OWN = [
  'Received: from relay.example (relay.example [192.0.2.9])\r\n',
  '\tby mx.example with ESMTP id ABC.1\r\n',
]
const SES = [
  'Received: from a.example (a.example [192.0.2.1])\r\n',
  ' by inbound-smtp.eu-west-1.amazonaws.com with SMTP id 0123\r\n',
  ' for user@yours.example;\r\n',
]
const HOP = ['Received: from x by hop.example; now\r\n']
const found = (...lines: readonly string[]) => isFromSes({ header_lines: [...lines], uuid: 'ABC.1' })

describe('a peer that is not trusted', () => {
  it('hands over mail of SES where a Received of SES is one of the first below our own', () => {
    assert.ok(found(...OWN, 'Return-Path: <s@origin.example>\r\n', ...SES, 'Subject: x\r\n'))
    assert.ok(found(...SES))
    assert.ok(found(...OWN, ...HOP, ...HOP, ...SES))
    assert.ok(found(...OWN, 'RECEIVED: from b by open.mail-manager-smtp.us-east-1.amazonaws.com; now\r\n'))
  })

  it('does not where SES is named elsewhere, far below or in other words', () => {
    assert.ok(!found(...OWN, ...HOP, ...HOP, ...HOP, ...SES))
    assert.ok(!found(...OWN, 'Subject: by inbound-smtp.eu-west-1.amazonaws.com\r\n'))
    assert.ok(!found(...OWN, 'Received: from inbound-smtp.eu-west-1.amazonaws.com by other.example; now\r\n'))
    assert.ok(!found(...OWN, 'Received: from a by email-smtp.eu-west-1.amazonaws.com; now\r\n'))
    assert.ok(!found())
  })

  it('costs little however its header is made', () => {
    const lines = Array<string>(50_000).fill(' by  by\r\n')
    const hostile = [
      ...OWN,
      `Received: ${'by '.repeat(300_000)}\r\n`,
      `Received: by ${'a.'.repeat(300_000)}\r\n`,
    ]
    const all = { header_lines: [...hostile, ...lines], uuid: 'ABC.1' }
    assert.ok(cpuMs(50, () => isFromSes(all)) < 50)
  })

  it('is looked at for its first mail and each hundredth, and told of once an hour', () => {
    const peers = new UntrustedPeers()
    const taken = Array.from({ length: 301 }, () => peers.takes())
    assert.deepEqual(
      taken.flatMap((is, index) => (is ? [index] : [])),
      [0, 100, 200, 300],
    )
    assert.match(peers.hint('192.0.2.7', 0) ?? '', /^192\.0\.2\.7 hands over mail that SES received/)
    assert.equal(peers.hint('192.0.2.7', 3_599_999), undefined)
    assert.ok(peers.hint('192.0.2.8', 3_599_999))
    assert.ok(peers.hint('192.0.2.7', 3_600_000))
    const all = Array.from({ length: 100 }, (_, n) => peers.hint(`198.51.100.${n}`, 3_600_001))
    assert.equal(all.filter(one => one !== undefined).length, 19, 'forged mail does not fill the log')
  })
})
