// The identities of SES that would cover the bounce senders of a configuration.

import assert from 'node:assert/strict'
import { sendersOf } from '../../src/cli/online/senders'
import { ADDRESS_NAMES, parseTemplate } from '../../src/policy/templates'

const DOMAINS = ['a.example', 'mail.b.example.org']

function senders(texts: string[], domains = DOMAINS) {
  return sendersOf(
    texts.map(text => parseTemplate(text, ADDRESS_NAMES).template),
    domains,
  )
}

describe('the bounce senders of a configuration', () => {
  it('are one where the address is the same for all mail', () => {
    assert.deepEqual(senders(['M@Bounces.a.example', 'M@Bounces.a.example']), {
      known: [
        {
          address: 'M@Bounces.a.example',
          identities: ['M@Bounces.a.example', 'bounces.a.example', 'a.example'],
        },
      ],
      open: [],
    })
  })

  it('are one for each domain that SES receives for where the recipient decides, up to what can be verified', () => {
    assert.deepEqual(senders(['mailer-daemon@{recipient.domain}']).known, [
      {
        address: 'mailer-daemon@a.example',
        identities: ['mailer-daemon@a.example', 'a.example'],
        receiving: 'a.example',
      },
      {
        address: 'mailer-daemon@mail.b.example.org',
        identities: [
          'mailer-daemon@mail.b.example.org',
          'mail.b.example.org',
          'b.example.org',
          'example.org',
        ],
        receiving: 'mail.b.example.org',
      },
    ])
    assert.deepEqual(senders(['mailer-daemon@{recipient.domain}'], []), { known: [], open: [] })
  })

  it('are covered by their domain alone where each mail has its own address', () => {
    assert.deepEqual(senders(['{recipient}']).known[0], {
      address: 'postmaster@a.example',
      identities: ['a.example'],
      receiving: 'a.example',
    })
    assert.deepEqual(senders(['{recipient.domain}@b.example']).known, [
      { address: 'a.example@b.example', identities: ['b.example'] },
    ])
    assert.deepEqual(senders(['{sender.domain}@b.example'], []).known, [
      { address: 'one.invalid@b.example', identities: ['b.example'] },
    ])
    assert.deepEqual(senders(['{sender.domain}@{recipient.domain}']).known[0]?.identities, ['a.example'])
  })

  it('are open where the domain is that of the sender of each mail', () => {
    const { known, open } = senders([
      'm@{sender.domain}',
      'm@{recipient.domain}.{sender.domain}',
      'm@a.example',
    ])
    assert.deepEqual(open, ['m@{sender.domain}', 'm@{recipient.domain}.{sender.domain}'])
    assert.deepEqual(
      known.map(({ address }) => address),
      ['m@a.example'],
    )
  })
})
