import assert from 'node:assert/strict'
import fc from 'fast-check'
import { senderKey, senderKeys } from '../../src/mail/sender-key'
import { domain } from '../units'

describe('the key of a sender', () => {
  const same = (...addresses: string[]) =>
    assert.equal(new Set(addresses.map(one => senderKey(one))).size, 1, addresses.join(' '))

  it('holds the customer of a provider, where the results prove one', () => {
    const key = (dkimDomains: string[], dmarcDomain?: string, sender = 'bounces@eu.provider.example') =>
      senderKey(sender, {
        dkimDomains: dkimDomains.map(domain),
        ...(dmarcDomain !== undefined && { dmarcDomain: domain(dmarcDomain) }),
      })
    const [plain, ofShop] = ['bounces@eu.provider.example', 'bounces@eu.provider.example shop.example']
    assert.equal(key(['shop.example', 'provider.example'], 'mail.shop.example'), ofShop)
    assert.equal(key(['provider.example', 'news.shop.example', 'other.example']), ofShop)
    assert.equal(key(['other.example'], 'shop.example'), ofShop)
    assert.equal(key(['shop.example'], 'provider.example'), ofShop)
    assert.equal(key(['provider.example'], 'eu.provider.example'), plain)
    assert.equal(key([]), plain)
    // two customers of a hosting company whose domain is on the public suffix list
    assert.equal(key(['one.github.io'], undefined, 'a@two.github.io'), 'a@two.github.io one.github.io')
    assert.equal(
      key(['shop.example'], undefined, 'prvs=0123=Bounces@eu.provider.example'),
      'bounces@eu.provider.example shop.example',
    )
  })

  it('is among the keys of its address, and no other key is', () => {
    const among = (key: string, address: string) => {
      const { plain, above, below } = senderKeys(address)
      return key === plain || (key > above && key < below)
    }
    const shop = { dkimDomains: [domain('shop.example')] }
    for (const address of ['a@b.example', 'A@B.example', 'a+x@b.example', '"a b"@b.example']) {
      assert(among(senderKey(address), address), address)
      assert(among(senderKey(address, shop), address), address)
    }
    for (const other of ['a@b.example2', 'a@b.example.org', 'a@b.exampl', 'b@b.example', 'a@b.example-x']) {
      assert(!among(senderKey(other), 'a@b.example'), other)
      assert(!among(senderKey(other, shop), 'a@b.example'), other)
    }
  })

  it('is one for an address however it is written', () => {
    same('Joe@Origin.Example', '"joe"@origin.example', '<joe@origin.example>')
    same('joe@b\u00fccher.example', 'joe@xn--bcher-kva.example')
  })

  it('is one for all that bounce address tags make of it', () => {
    same(
      'joe@origin.example',
      'prvs=0123abcdef=joe@origin.example',
      'prvs=9876fedcba=joe@origin.example',
      'btv1==01a==joe@origin.example',
      'prvs=joe/0123abcdef@origin.example',
      'msprvs1=17pt3x=joe@origin.example',
    )
    const other = senderKey('prvs=ann/0123abcdef@origin.example')
    assert.notEqual(senderKey('prvs=joe/0123abcdef@origin.example'), other)
  })

  it('is one for the return path of each mail of a list', () => {
    same(
      'list-bounces+anna=example.com@lists.example',
      'list-bounces+ben=example.org@lists.example',
      'list-bounces@lists.example',
    )
    same('bounce-1234567-890123@mail.example', 'bounce-7654321-321098@mail.example')
    same(
      '0102018f3a4b5c6d-7e8f9a0b-1c2d-000000@eu-west-1.amazonses.com',
      '0102019e8d7c6b5a-0a1b2c3d-9f8e-000000@eu-west-1.amazonses.com',
    )
    same('msprvs1=17pt3x=bounces-1@x.example', 'msprvs1=99aa=bounces-1@x.example')
  })

  it('is that of the original sender for addresses that forwarders rewrite', () => {
    same('SRS0=HHH=TT=origin.example=joe@forward.example', 'SRS0+abc=X2=origin.example=joe@forward.example')
    same(
      'SRS1=HHH=first.example==AAA=TT=origin.example=joe@f.example',
      'SRS1=III=first.example==BBB=UU=origin.example=joe@f.example',
    )
    assert.notEqual(
      senderKey('SRS0=HHH=TT=origin.example=joe@forward.example'),
      senderKey('SRS0=HHH=TT=origin.example=ann@forward.example'),
    )
  })

  it('keeps people apart', () => {
    const people = [
      'anna@x.example',
      'ben@x.example',
      'anna@y.example',
      'anna1984@x.example',
      'anna1985@x.example',
      'added.face@x.example',
      '+tag@x.example',
    ]
    assert.equal(new Set(people.map(one => senderKey(one))).size, people.length)
  })

  it('is a short text for any address', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        assert.equal(typeof senderKey(text), 'string')
      }),
    )
    for (const piece of ['a', 'f1', '=aa', '+', 'srs0=', '"'])
      assert(senderKey(`srs0=${piece.repeat(100_000)}@x.example`).length < 400)
  })
})
