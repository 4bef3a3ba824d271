import assert from 'node:assert/strict'
import { homeOf, runAs } from '../../src/config/owner'

const ACCOUNTS = {
  passwd: () => 'root:x:0:0:root:/root:/bin/sh\nsmtp:x:101:102::/:/bin/false\nbroken\n',
  group: () => 'root:x:0:\nmail:x:8:smtp\n',
}

describe("the user of Haraka's workers", () => {
  const of = (text: string | undefined) => runAs(text, ACCOUNTS)

  it('is that of the process while smtp.ini names none', () => {
    assert.deepEqual(of(undefined), {})
    assert.deepEqual(of('listen=[::0]:25\n;user=smtp\n[headers]\nuser=smtp\n'), {})
  })

  it('can be a name or a number; without a group only the user changes', () => {
    assert.deepEqual(of('user=smtp\ngroup=mail'), { uid: 101, gid: 8 })
    assert.deepEqual(of('[main]\nuser = 1001\ngroup = 1002'), { uid: 1001, gid: 1002 })
    assert.deepEqual(of('user=smtp'), { uid: 101 })
  })

  it('is never 0, which Haraka ignores', () => {
    assert.deepEqual(of('user=0\ngroup=0'), {})
  })

  it('has the home that /etc/passwd says, if it says one', () => {
    const home = (uid: number) => homeOf(uid, ACCOUNTS)
    assert.deepEqual([home(0), home(101), home(7)], ['/root', '/', undefined])
    const unreadable = {
      passwd: () => {
        throw new Error('EACCES')
      },
    }
    assert.equal(homeOf(0, unreadable), undefined)
  })

  it('has an error that names an unknown account', () => {
    const what = { code: 'CONFIGURATION', message: /smtp.ini:1: user "nobody-here" isn't in \/etc\/passwd/ }
    assert.throws(() => of('user=nobody-here'), what)
    assert.throws(() => of('listen=[::0]:25\ngroup=smtp'), {
      message: /smtp.ini:2: group "smtp" isn't in \/etc\/group/,
    })
    assert.throws(() => of('user=smtp ; not as root'), { message: /"smtp ; not as root"/ })
    assert.throws(() => of('user=broken'), { message: /"broken"/ })
  })
})
