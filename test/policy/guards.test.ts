import assert from 'node:assert/strict'
import type { GuardSettings } from '../../src/config/settings'
import type { SesAuthentication } from '../../src/mail/facts'
import { guard } from '../../src/policy/guards'
import { domain } from '../units'
import { type MailParts, mail, receipt, SETTINGS } from './support'

interface Case extends MailParts {
  guard?: Partial<GuardSettings>
  ours?: string[]
  bounceSender?: string
  bounceSenders?: string[]
  labelSeparator?: string
  isNamed?: boolean
}

function guarded(parts: Case): string | undefined {
  const facts = mail(parts)
  const [recipient] = facts.recipients
  assert(recipient)
  return guard(
    facts,
    recipient,
    { ...SETTINGS.guard, ...parts.guard },
    {
      bounceSender: parts.bounceSender ?? 'mailer-daemon@example.com',
      bounceSenders: parts.bounceSenders ?? [],
      labelSeparator: parts.labelSeparator ?? '+',
      receivesFor: domain => (parts.ours ?? ['ours.example']).includes(domain),
      isNamed: parts.isNamed ?? false,
    },
  )
}

const ALL_OFF: Partial<GuardSettings> = {
  null_sender: false,
  own_domains: false,
  replied: false,
  virus: false,
  spam: false,
  list_mail: false,
  role_addresses: [],
  authentication: 'none',
}
const verdicts = receipt('').verdicts

describe('guards', () => {
  it('let ordinary mail with a proved sender be bounced', () => {
    assert.equal(guarded({}), undefined)
  })

  it('hold for the null sender and NOTIFY=NEVER, whatever the settings', () => {
    assert.equal(guarded({ sender: '', guard: ALL_OFF }), 'null sender')
    assert.equal(guarded({ sender: '<>', guard: ALL_OFF }), 'null sender')
    assert.equal(guarded({ notifyNever: true, guard: ALL_OFF }), 'NOTIFY=NEVER')
  })

  it('hold for a sender that nothing can be sent to', () => {
    assert.equal(guarded({ sender: 'root', guard: ALL_OFF }), 'sender is not an address')
  })

  it('hold for a header that Haraka cut, whatever the settings', () => {
    assert.equal(guarded({ headerIsCut: true, guard: ALL_OFF }), 'header is cut')
    assert.equal(guarded({ headerIsCut: true, sender: '', guard: ALL_OFF }), 'null sender')
  })

  it('hold for our own domains and their subdomains', () => {
    const own = 'sender is one of our own domains'
    for (const sender of [
      'a@ours.example',
      'a@deep.sub.OURS.example',
      'a@example.com',
      'a@mx.example.com',
      'a@bounce.example',
    ]) {
      const parts = { sender, bounceSender: 'x@bounce.example' }
      assert.equal(guarded(parts), own, sender)
      assert.equal(guarded({ ...parts, guard: ALL_OFF }), undefined, sender)
    }
    assert.equal(guarded({ sender: 'a@notours.example', guard: { authentication: 'none' } }), undefined)
  })

  it('hold for answers of machines', () => {
    for (const value of [
      'auto-replied',
      'Auto-Replied (vacation)',
      ' (x) auto-notified; owner-email="a@b.example"',
    ]) {
      assert.equal(guarded({ headers: { 'auto-submitted': ['no', value] } }), 'automatic reply', value)
    }
    for (const value of ['no', 'auto-generated', 'not-auto-replied', '(auto-replied)']) {
      assert.equal(guarded({ headers: { 'auto-submitted': [value] } }), undefined, value)
    }
    const headers = { 'auto-submitted': ['auto-replied'] }
    assert.equal(guarded({ headers, guard: { replied: false } }), undefined)
  })

  it('hold for delivery and disposition reports', () => {
    for (const value of [
      'multipart/report; report-type=delivery-status; boundary=x',
      'Multipart/Report; boundary="a;b"; Report-Type="disposition-notification"',
    ]) {
      assert.equal(guarded({ headers: { 'content-type': [value] } }), 'delivery report', value)
    }
    const value = 'text/plain; report-type=delivery-status'
    assert.equal(guarded({ headers: { 'content-type': [value] } }), undefined)
  })

  it('hold for what SES calls a virus or spam', () => {
    assert.equal(guarded({ receipt: { verdicts: { ...verdicts, virus: 'fail' } } }), 'virus')
    assert.equal(guarded({ receipt: { verdicts: { ...verdicts, spam: 'fail' } } }), 'spam')
    assert.equal(guarded({ receipt: { verdicts: { ...verdicts, spam: 'gray', virus: 'none' } } }), undefined)
    assert.equal(
      guarded({ receipt: { verdicts: { ...verdicts, spam: 'fail' } }, guard: { spam: false } }),
      undefined,
    )
  })

  it('hold for list mail only when asked to', () => {
    for (const headers of [{ 'list-id': ['<l.example>'] }, { precedence: ['Bulk'] }]) {
      assert.equal(guarded({ headers }), undefined)
      assert.equal(guarded({ headers, guard: { list_mail: true } }), 'list mail')
    }
    assert.equal(guarded({ headers: { precedence: ['first-class'] }, guard: { list_mail: true } }), undefined)
  })

  it('hold for a recipient that bounces come from, whatever the settings and the rule', () => {
    const given = {
      guard: ALL_OFF,
      isNamed: true,
      bounceSenders: ['mailer-daemon@example.com', 'no-reply@example.com'],
    }
    for (const recipient of [
      'mailer-daemon@example.com',
      'MAILER-DAEMON@Example.com',
      'mailer-daemon+x@example.com',
      '"no-reply"@example.com',
    ])
      assert.equal(guarded({ ...given, recipients: [recipient] }), 'bounce sender', recipient)
    assert.equal(guarded({ ...given, recipients: ['mailer-daemon@example.org'] }), undefined)
  })

  it('hold for role addresses that the rule does not name', () => {
    assert.equal(guarded({ recipients: ['PostMaster@example.com'] }), 'role address')
    assert.equal(guarded({ recipients: ['"abuse"@example.com'] }), 'role address')
    assert.equal(guarded({ recipients: ['mailer-daemon@example.com'] }), 'role address')
    assert.equal(guarded({ recipients: ['Postmaster+web@example.com'] }), 'role address')
    assert.equal(guarded({ recipients: ['"postmaster+x y"@example.com'] }), 'role address')
    assert.equal(guarded({ recipients: ['postmaster+web@example.com'], labelSeparator: '' }), undefined)
    assert.equal(guarded({ recipients: ['postmaster-web@example.com'] }), undefined)
    assert.equal(guarded({ recipients: ['postmaster@example.com'], isNamed: true }), undefined)
    assert.equal(
      guarded({ recipients: ['postmaster@example.com'], guard: { role_addresses: [] } }),
      undefined,
    )
    const role_addresses = ['hr@example.com']
    assert.equal(guarded({ recipients: ['hr@example.com'], guard: { role_addresses } }), 'role address')
    assert.equal(guarded({ recipients: ['hr@example.org'], guard: { role_addresses } }), undefined)
  })

  describe('authentication', () => {
    const refused = 'sender not authenticated'
    const proved = (
      authentication: { spfDomain?: string; dkimDomains?: readonly string[]; dmarcDomain?: string },
      level: GuardSettings['authentication'],
      sender = 'joe@news.origin.example',
    ) =>
      guarded({
        sender,
        receipt: { authentication: proving(authentication) },
        guard: { authentication: level },
      })

    it('aligned accepts SPF for exactly the domain of the sender of record', () => {
      assert.equal(proved({ spfDomain: 'news.origin.example' }, 'aligned'), undefined)
      assert.equal(proved({ spfDomain: 'origin.example' }, 'aligned'), refused)
      assert.equal(proved({ spfDomain: 'a.news.origin.example' }, 'aligned'), refused)
    })

    it('strict does not accept SPF', () => {
      assert.equal(proved({ spfDomain: 'news.origin.example' }, 'strict'), refused)
    })

    it('both accept DKIM and DMARC of the same organisation', () => {
      for (const level of ['aligned', 'strict'] as const) {
        assert.equal(proved({ dkimDomains: ['x.example', 'origin.example'] }, level), undefined)
        assert.equal(proved({ dmarcDomain: 'shop.origin.example' }, level), undefined)
        assert.equal(proved({}, level), refused)
      }
    })

    it('accepts no proof of another domain, such as a header From of the forger', () => {
      for (const level of ['aligned', 'strict'] as const) {
        const forger = {
          spfDomain: 'forger.example',
          dkimDomains: ['forger.example'],
          dmarcDomain: 'forger.example',
        }
        assert.equal(proved(forger, level), refused)
        assert.equal(proved({ dkimDomains: ['forger.github.io'] }, level, 'a@victim.github.io'), refused)
        assert.equal(proved({ dkimDomains: ['forger.co.uk'] }, level, 'a@victim.co.uk'), refused)
        assert.equal(proved({ dkimDomains: ['co.uk'] }, level, 'a@victim.co.uk'), refused)
      }
    })

    describe('where SPF does not pass for the sender', () => {
      const notTheAuthor = `${refused}: SPF didn't pass for it, and From isn't the same address`
      const replayed = (sender: string, author: string | null, level: GuardSettings['authentication']) =>
        guarded({
          sender,
          author,
          receipt: { authentication: proving({ dkimDomains: ['big.example'], dmarcDomain: 'big.example' }) },
          guard: { authentication: level },
        })

      it('a signature proves only the address that stands in From', () => {
        for (const level of ['aligned', 'strict'] as const) {
          for (const author of [
            'attacker@big.example',
            'victim@other.example',
            'victim@big.example.org',
            null,
          ]) {
            assert.equal(replayed('victim@big.example', author, level), notTheAuthor, String(author))
          }
          assert.equal(replayed('victim@big.example', 'Victim@BIG.example', level), undefined)
          assert.equal(replayed('victim@big.example', '"victim"@big.example', level), undefined)
        }
      })

      it("a tag or a label of the sender's is removed, and nothing else", () => {
        for (const sender of [
          'victim+shop@big.example',
          'prvs=0123abcdef=victim@big.example',
          'btv1==0123abcdef==victim@big.example',
          'prvs=0123abcdef=victim+shop@big.example',
        ]) {
          assert.equal(replayed(sender, 'victim@big.example', 'aligned'), undefined, sender)
          assert.equal(replayed(sender, sender, 'aligned'), undefined, sender)
        }
        for (const [sender, author] of [
          ['victim@big.example', 'victim+attacker@big.example'],
          ['victim@big.example', 'prvs=0123abcdef=victim@big.example'],
          ['victim=x.example@big.example', 'victim@big.example'],
          ['victim-12345@big.example', 'victim@big.example'],
          ['victim+12345@big.example', 'victim+99999@big.example'],
          ['srs0=ab=cd=big.example=victim@big.example', 'victim@big.example'],
          ['prvs=0123=abcdef=victim@big.example', 'victim@big.example'],
          ['+victim@big.example', '@big.example'],
        ] as const) {
          assert.equal(replayed(sender, author, 'aligned'), notTheAuthor, sender)
        }
      })

      it('From counts for nothing when SPF passed for the very domain of the sender, also at strict', () => {
        const authentication = proving({ spfDomain: 'big.example', dkimDomains: ['big.example'] })
        for (const level of ['aligned', 'strict'] as const) {
          const parts = { sender: 'bounces@big.example', author: 'news@big.example' }
          assert.equal(
            guarded({ ...parts, receipt: { authentication }, guard: { authentication: level } }),
            undefined,
          )
        }
      })
    })

    it("a flaw in SES's results is said, and nothing is proved", () => {
      const flaw = "SES's results aren't closed by X-SES-RECEIPT"
      const proof = proving({ spfDomain: 'origin.example', dkimDomains: ['origin.example'] })
      const authentication = { ...proof, flaw }
      assert.equal(guarded({ receipt: { authentication } }), `${refused}: ${flaw}`)
    })

    it('none asks for nothing', () => {
      assert.equal(proved({}, 'none'), undefined)
    })
  })
})

function proving({
  spfDomain,
  dkimDomains = [],
  dmarcDomain,
}: {
  spfDomain?: string
  dkimDomains?: readonly string[]
  dmarcDomain?: string
}): SesAuthentication {
  return {
    ...(spfDomain !== undefined && { spfDomain: domain(spfDomain) }),
    dkimDomains: dkimDomains.map(domain),
    ...(dmarcDomain !== undefined && { dmarcDomain: domain(dmarcDomain) }),
  }
}
