import assert from 'node:assert/strict'
import { RELAY_RECIPIENTS, type RelayRecipients } from '../../src/config/settings'
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
  relayRecipients?: RelayRecipients
  headerIsCut?: boolean
  /** Fields that were too long to be read whole. */
  cutFields?: string[]
  /** RCPT TO that the relay gave, where some were refused. */
  rcptCommands?: number
}

function establish(mail: Mail): string[] {
  const found = recipientsOfRecord({
    envelope: {
      sender: '',
      recipients: mail.rcpt.map(address => ({ address, notifyNever: false })),
      ...(mail.rcptCommands !== undefined && { rcptCommands: mail.rcptCommands }),
      relayIp: '192.0.2.1',
      sizeBytes: 1,
    },
    receipt: mail.receipt === 'none' ? undefined : (mail.receipt ?? RECEIPT),
    headers: {
      values: () => [],
      valuesAreCut: () => false,
      addresses: name => mail.header?.[name] ?? [],
      addressesAreCut: name => mail.cutFields?.includes(name) ?? false,
    },
    headerIsCut: mail.headerIsCut ?? false,
    receivesFor: domain => domain === 'yours.example',
    isOfOwnOrganisation: domain => domain === 'yours.example' || domain.endsWith('.yours.example'),
    relayRecipients: mail.relayRecipients ?? 'auto',
  })
  assert.deepEqual(
    found.map(({ envelope }) => envelope.address),
    mail.rcpt,
  )
  return found.map(({ source, mismatch, address }) => `${mismatch ?? source} ${address}`)
}

const { forRecipient: _, ...NO_FOR } = RECEIPT
const { returnPath: __, ...NO_RETURN_PATH } = RECEIPT

describe('the recipient of record, where the relay is not said to keep or rewrite recipients,', () => {
  it("is SES's `for`, as SES wrote it, for the RCPT that equals it", () => {
    assert.deepEqual(establish({ rcpt: ['"one"@YOURS.example'] }), ['for One@Yours.example'])
  })

  it("is SES's `for` for the RCPT that equals it at a domain that isn't known to be ours, too", () => {
    const receipt = { ...RECEIPT, forRecipient: 'one@unlisted.example' }
    assert.deepEqual(establish({ rcpt: ['one@unlisted.example'], receipt }), ['for one@unlisted.example'])
  })

  it('is confirmed for an RCPT at a domain of ours that the header names', () => {
    for (const name of ['to', 'cc', 'delivered-to', 'x-original-to', 'envelope-to', 'resent-cc']) {
      const header = { [name]: ['Two@yours.example', 'x@elsewhere.example'] }
      assert.deepEqual(establish({ rcpt: ['two@yours.example', 'x@elsewhere.example'], header }), [
        'header two@yours.example',
        'unknown x@elsewhere.example',
      ])
    }
  })

  it("is the RCPT itself, unconfirmed, at a domain of ours that the header doesn't name", () => {
    assert.deepEqual(
      establish({
        rcpt: ['two@yours.example', 'three@yours.example'],
        header: { from: ['two@yours.example'] },
      }),
      ['unconfirmed two@yours.example', 'unconfirmed three@yours.example'],
    )
    // one copy for a Bcc recipient, by itself
    assert.deepEqual(establish({ rcpt: ['two@yours.example'], header: { to: ['one@yours.example'] } }), [
      'unconfirmed two@yours.example',
    ])
    assert.deepEqual(establish({ rcpt: ['a@yours.example'], receipt: NO_FOR }), [
      'unconfirmed a@yours.example',
    ])
  })

  it("is SES's `for` for the only RCPT, at a foreign domain, that the header doesn't name", () => {
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'] }), ['rewritten One@Yours.example'])
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example', 'one@yours.example'] }), [
      'unknown mapped@elsewhere.example',
      'for One@Yours.example',
    ])
  })

  it("can't be established for a foreign RCPT that the header names", () => {
    const header = { cc: ['Mapped@elsewhere.example'] }
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], header }), [
      'unknown mapped@elsewhere.example',
    ])
  })

  it("can't be established for a foreign RCPT when a part of the header is missing", () => {
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], headerIsCut: true }), [
      'unknown mapped@elsewhere.example',
    ])
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], cutFields: ['cc'] }), [
      'unknown mapped@elsewhere.example',
    ])
  })

  it("can't be established for a foreign RCPT beside another one that was refused", () => {
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], rcptCommands: 2 }), [
      'unknown mapped@elsewhere.example',
    ])
  })

  it("can't be established for a foreign RCPT where SES named nobody, or nobody of ours", () => {
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], receipt: NO_FOR }), [
      'unknown mapped@elsewhere.example',
    ])
    const receipt = { ...RECEIPT, forRecipient: 'one@unlisted.example' }
    assert.deepEqual(establish({ rcpt: ['mapped@elsewhere.example'], receipt }), [
      'unknown mapped@elsewhere.example',
    ])
  })

  it("can't be established for an RCPT at another domain of an organisation of ours", () => {
    assert.deepEqual(establish({ rcpt: ['two@inner.yours.example'] }), ['unknown two@inner.yours.example'])
    // its organisation is known by `for` alone, as with host_list_regex
    const receipt = { ...RECEIPT, forRecipient: 'one@yours.example' }
    assert.deepEqual(establish({ rcpt: ['two@other.yours.example'], receipt }), [
      'unknown two@other.yours.example',
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
})

describe('the recipient of record, where the relay keeps recipients,', () => {
  it('is each RCPT as it stands', () => {
    const rcpt = ['a@elsewhere.example', 'one@yours.example', 'two@yours.example']
    assert.deepEqual(
      establish({ rcpt, relayRecipients: 'kept' }),
      rcpt.map(address => `relay ${address}`),
    )
  })
})

describe('the recipient of record, where the relay rewrites recipients,', () => {
  it("is SES's `for` for the only RCPT, wherever it is and whatever the header names", () => {
    for (const rcpt of ['two@yours.example', 'mapped@elsewhere.example', 'x@inner.yours.example']) {
      const header = { to: [rcpt] }
      for (const headerIsCut of [false, true]) {
        assert.deepEqual(establish({ rcpt: [rcpt], header, headerIsCut, relayRecipients: 'rewritten' }), [
          'rewritten One@Yours.example',
        ])
      }
    }
  })

  it("can't be established for several, refused ones among them, or where SES named nobody", () => {
    assert.deepEqual(
      establish({ rcpt: ['one@yours.example', 'two@yours.example'], relayRecipients: 'rewritten' }),
      ['several one@yours.example', 'several two@yours.example'],
    )
    assert.deepEqual(
      establish({ rcpt: ['one@yours.example'], rcptCommands: 2, relayRecipients: 'rewritten' }),
      ['several one@yours.example'],
    )
    assert.deepEqual(
      establish({ rcpt: ['one@yours.example'], receipt: NO_FOR, relayRecipients: 'rewritten' }),
      ['noFor one@yours.example'],
    )
  })
})

describe('a recipient of record', () => {
  it("can't be established when another plugin put the recipient there beside several RCPT", () => {
    for (const relayRecipients of RELAY_RECIPIENTS) {
      const [found] = recipientsOfRecord({
        envelope: {
          sender: '',
          recipients: [{ address: 'one@yours.example', notifyNever: false, isUnattributed: true }],
          relayIp: '192.0.2.1',
          sizeBytes: 1,
        },
        receipt: RECEIPT,
        headers: {
          values: () => [],
          valuesAreCut: () => false,
          addresses: () => ['one@yours.example'],
          addressesAreCut: () => false,
        },
        headerIsCut: false,
        receivesFor: () => true,
        isOfOwnOrganisation: () => true,
        relayRecipients,
      })
      assert.deepEqual([found?.source, found?.mismatch], ['mismatch', 'unattributed'])
    }
  })

  it('is a mismatch when it could not be given to SES', () => {
    const reasons = {
      'é@yours.example': 'notAscii',
      'a b@yours.example': 'unknown',
      nobody: 'unknown',
      'a@b@yours.example': 'unknown',
    }
    for (const [address, reason] of Object.entries(reasons)) {
      assert.deepEqual(establish({ rcpt: [address], relayRecipients: 'kept' }), [`${reason} ${address}`])
      const receipt = { ...RECEIPT, forRecipient: address }
      assert.deepEqual(
        establish({ rcpt: ['mapped@elsewhere.example'], receipt, relayRecipients: 'rewritten' }),
        [`${reason} mapped@elsewhere.example`],
      )
    }
  })
})
