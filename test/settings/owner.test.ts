import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { givePrivate, makePrivateDir, runAs } from '../../src/settings/owner'

const ACCOUNTS = {
  passwd: () => 'root:x:0:0:root:/root:/bin/sh\nsmtp:x:101:102::/:/bin/false\nbroken\n',
  group: () => 'root:x:0:\nmail:x:8:smtp\n',
}

describe("runAs: who Haraka's workers are", () => {
  const of = (text: string | undefined) => runAs(text, ACCOUNTS)

  it('is nobody else while smtp.ini names no user', () => {
    assert.deepEqual(of(undefined), {})
    assert.deepEqual(of('listen=[::0]:25\n;user=smtp\n[headers]\nuser=smtp\n'), {})
  })

  it('takes names and numbers; without a group only the user changes', () => {
    assert.deepEqual(of('user=smtp\ngroup=mail'), { uid: 101, gid: 8 })
    assert.deepEqual(of('[main]\nuser = 1001\ngroup = 1002'), { uid: 1001, gid: 1002 })
    assert.deepEqual(of('user=smtp'), { uid: 101 })
  })

  it('leaves out 0, as Haraka does', () => {
    assert.deepEqual(of('user=0\ngroup=0'), {})
  })

  it('says which account there is not', () => {
    const what = { code: 'CONFIGURATION', message: /smtp.ini:1: user "nobody-here" isn't in \/etc\/passwd/ }
    assert.throws(() => of('user=nobody-here'), what)
    assert.throws(() => of('listen=[::0]:25\ngroup=smtp'), {
      message: /smtp.ini:2: group "smtp" isn't in \/etc\/group/,
    })
    assert.throws(() => of('user=smtp ; not as root'), { message: /"smtp ; not as root"/ })
    assert.throws(() => of('user=broken'), { message: /"broken"/ })
  })
})

describe('files for the owner alone', () => {
  let root: string
  beforeEach(() => {
    root = mkdtempSync(path.join(os.tmpdir(), 'ses-bounce-owner-'))
  })
  afterEach(() => rmSync(root, { recursive: true }))

  const isRoot = process.getuid?.() === 0
  const owner = { uid: 12345, gid: 12346 }
  const stateOf = (name: string) => {
    const { mode, uid, gid } = statSync(path.join(root, name))
    return { mode: (mode & 0o777).toString(8), ...(isRoot && { uid, gid }) }
  }

  it('makes a folder and its missing parents 0700, and theirs', () => {
    makePrivateDir(path.join(root, 'a/b'), owner)
    const expected = { mode: '700', ...(isRoot && owner) }
    assert.deepEqual([stateOf('a'), stateOf('a/b')], [expected, expected])
  })

  it('leaves a folder that is there as it is', () => {
    mkdirSync(path.join(root, 'a'), { mode: 0o755 })
    const before = stateOf('a')
    makePrivateDir(path.join(root, 'a'), owner)
    assert.deepEqual(stateOf('a'), before)
  })

  it('makes a file 0600; where no group is known, the group stays', () => {
    writeFileSync(path.join(root, 'file'), '', { mode: 0o644 })
    const { gid } = statSync(path.join(root, 'file'))
    givePrivate(path.join(root, 'file'), { uid: owner.uid })
    assert.deepEqual(stateOf('file'), { mode: '600', ...(isRoot && { uid: owner.uid, gid }) })
  })

  it('gives away nothing behind a link', () => {
    writeFileSync(path.join(root, 'shadow'), '', { mode: 0o644 })
    const before = stateOf('shadow')
    symlinkSync('shadow', path.join(root, 'link'))
    assert.throws(() => givePrivate(path.join(root, 'link'), owner), /must be a plain file/)
    assert.deepEqual(stateOf('shadow'), before)
  })
})
