import assert from 'node:assert/strict'
import type { Receipt } from '../../src/mail/facts'
import { recipientsOfRecord } from '../../src/mail/recipients'

const RECEIPT: Receipt = {
  form: 'classic',
  sesId: 'x',
  sesIdIsUsual: false,
  region: 'eu-west-1',
  receivedAtMs: 0,
  forRecipient: 'One@Yours.example',
  returnPath: 'sender@origin.example',
  client: { helo: '', name: '', ip: '' },
  verdicts: { spam: 'none', virus: 'none', spf: 'none', dkim: 'none', dmarc: 'none' },
  authentication: { dkimDomains: [] },
}

interface Mail {
  rcpt: string[]
  /** RECEIPT when left out. */
  receipt?: Receipt | 'none'
  header?: Record<string, string[]>
  keepsRecipients?: boolean
}

function establish(mail: Mail): string[] {
  const found = recipientsOfRecord({
    envelope: {
      sender: '',
      recipients: mail.rcpt.map(address => ({ address, notifyNever: false })),
      relayIp: '192.0.2.1',
      sizeBytes: 1,
    },
    receipt: mail.receipt === 'none' ? undefined : (mail.receipt ?? RECEIPT),
    headers: {
      values: () => [],
      valuesAreCut: () => false,
      addresses: name => mail.header?.[name] ?? [],
      addressesAreCut: () => false,
    },
    receivesFor: domain => domain === 'yours.example',
    keepsRecipients: mail.keepsRecipients ?? false,
  })
  assert.deepEqual(
    found.map(({ envelope }) => envelope.address),
    mail.rcpt,
  )
  return found.map(({ source, address }) => `${source} ${address}`)
}

const { forRecipient: _, ...NO_FOR } = RECEIPT
const { returnPath: __, ...NO_RETURN_PATH } = RECEIPT

describe('the recipient of record', () => {
  it("is SES's `for`, as SES wrote it, for the RCPT that equals it", () => {
    assert.deepEqual(establish({ rcpt: ['"one"@YOURS.example'] }), ['for One@Yours.example'])
  })

  it('is the RCPT where the header names it, at a domain that SES receives for', () => {
    for (const name of ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to', 'resent-cc']) {
      const header = { [name]: ['Two@yours.example', 'x@elsewhere.example'] }
      assert.deepEqual(establish({ rcpt: ['two@yours.example', 'x@elsewhere.example'], header }), [
        'header two@yours.example',
        'mismatch x@elsewhere.example',
      ])
    }
    assert.deepEqual(
      establish({
        rcpt: ['two@yours.example', 'three@yours.example'],
        header: { from: ['two@yours.example'] },
      }),
      ['mismatch two@yours.example', 'mismatch three@yours.example'],
    )
  })

  it("is SES's `for` when the relay rewrote its only RCPT, and a mismatch when it has several", () => {
    assert.deepEqual(establish({ rcpt: ['mapped@inner.example'] }), ['rewritten One@Yours.example'])
    assert.deepEqual(establish({ rcpt: ['mapped@inner.example', 'one@yours.example'] }), [
      'mismatch mapped@inner.example',
      'for One@Yours.example',
    ])
  })

  it('is a mismatch where SES named nobody and the header does not help', () => {
    assert.deepEqual(establish({ rcpt: ['a@yours.example'], receipt: NO_FOR }), ['mismatch a@yours.example'])
    assert.deepEqual(
      establish({ rcpt: ['a@yours.example'], receipt: NO_FOR, header: { to: ['a@yours.example'] } }),
      ['header a@yours.example'],
    )
  })

  it("is the RCPT as it stands when the relay keeps SES's recipients", () => {
    const rcpt = ['a@elsewhere.example', 'one@yours.example']
    assert.deepEqual(establish({ rcpt, keepsRecipients: true }), [
      'relay a@elsewhere.example',
      'relay one@yours.example',
    ])
  })

  it("is the envelope's without a receipt, or without its Return-Path", () => {
    assert.deepEqual(establish({ rcpt: ['one@yours.example'], receipt: 'none' }), [
      'envelope one@yours.example',
    ])
    assert.deepEqual(establish({ rcpt: ['one@yours.example'], receipt: NO_RETURN_PATH }), [
      'envelope one@yours.example',
    ])
    assert.deepEqual(establish({ rcpt: ['one@yours.example'], receipt: { ...RECEIPT, returnPath: '' } }), [
      'for One@Yours.example',
    ])
  })

  it('is a mismatch when it could not be given to SES', () => {
    for (const address of ['é@yours.example', 'a b@yours.example', 'nobody', 'a@b@yours.example']) {
      assert.deepEqual(establish({ rcpt: [address], keepsRecipients: true }), [`mismatch ${address}`])
      const receipt = { ...RECEIPT, forRecipient: address }
      assert.deepEqual(establish({ rcpt: ['mapped@inner.example'], receipt }), [
        'mismatch mapped@inner.example',
      ])
    }
  })
})
