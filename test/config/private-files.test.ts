import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { claimFolder, givePrivate, makePrivateDir } from '../../src/config/private-files'

const MODULE = path.join(__dirname, '../../src/config/private-files')

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

  it('gives away no file that has a second name: it may be a file of another user', () => {
    writeFileSync(path.join(root, 'shadow'), '', { mode: 0o644 })
    const before = stateOf('shadow')
    linkSync(path.join(root, 'shadow'), path.join(root, 'file'))
    assert.throws(() => givePrivate(path.join(root, 'file'), owner), /second name/)
    if (isRoot) assert.throws(() => claimFolder(root, owner), /second name/)
    assert.deepEqual(stateOf('shadow'), before)
  })

  it('waits for no writer of a pipe', () => {
    spawnSync('mkfifo', [path.join(root, 'pipe')])
    assert.throws(() => givePrivate(path.join(root, 'pipe'), owner), /must be a plain file/)
    assert.throws(() => claimFolder(root, owner), /neither a file nor a folder/)
  })

  describe('a folder that is claimed', () => {
    beforeEach(function () {
      if (!isRoot) this.skip()
      mkdirSync(path.join(root, 'ses-bounce/quarantine'), { recursive: true, mode: 0o700 })
      writeFileSync(path.join(root, 'ses-bounce/queue.sqlite'), '', { mode: 0o600 })
      writeFileSync(path.join(root, 'ses-bounce/quarantine/a.eml'), '', { mode: 0o666 })
      chmodSync(path.join(root, 'ses-bounce/quarantine/a.eml'), 0o666)
    })
    const claim = (name = 'ses-bounce') => claimFolder(path.join(root, name), owner)

    it('is given to the owner with all that it holds, also after a run as another user', () => {
      assert.deepEqual(claim(), [])
      for (const name of ['ses-bounce', 'ses-bounce/quarantine'])
        assert.deepEqual(stateOf(name), { mode: '700', ...owner })
      assert.deepEqual(stateOf('ses-bounce/queue.sqlite'), { mode: '600', ...owner })
      // what others could write to, they can't any more
      assert.deepEqual(stateOf('ses-bounce/quarantine/a.eml'), { mode: '644', ...owner })
    })

    it('may be a link itself', () => {
      symlinkSync('ses-bounce', path.join(root, 'link'))
      assert.deepEqual(claim('link'), [])
      assert.deepEqual(stateOf('ses-bounce/queue.sqlite'), { mode: '600', ...owner })
    })

    it('is refused with a link anywhere below it, and nothing behind the link changes', () => {
      mkdirSync(path.join(root, 'other'), { mode: 0o755 })
      writeFileSync(path.join(root, 'other/shadow'), '', { mode: 0o644 })
      const before = [stateOf('other'), stateOf('other/shadow')]
      for (const [target, name] of [
        ['../other/shadow', 'ses-bounce/last-good.json'],
        ['../../other/shadow', 'ses-bounce/quarantine/b.eml'],
        ['../other', 'ses-bounce/kept'],
        ['/nowhere', 'ses-bounce/queue.sqlite-wal'],
      ] as const) {
        symlinkSync(target, path.join(root, name))
        assert.throws(() => claim(), {
          message: new RegExp(`^${path.join(root, name)} is a link, and links are refused`),
        })
        rmSync(path.join(root, name))
      }
      assert.deepEqual([stateOf('other'), stateOf('other/shadow')], before)
    })

    it('is warned of when others can write to it, with the command that ends that', () => {
      const folder = path.join(root, 'ses-bounce')
      chmodSync(folder, 0o777)
      chmodSync(path.join(folder, 'quarantine'), 0o770)
      const warnings = claim()
      assert.deepEqual(warnings, [
        `other users can write to ${folder} (mode 777); run: chmod go-w ${folder}`,
        `other users can write to ${folder}/quarantine (mode 770); run: chmod go-w ${folder}/quarantine`,
      ])
      for (const warning of warnings) execFileSync('sh', ['-c', warning.replace(/^.*run: /, '')])
      assert.deepEqual(claim(), [])
    })

    it("is refused where it is another user's and can't be given, with the command that gives it", () => {
      // as another user: a process of its own
      chmodSync(root, 0o755)
      const script = `process.setgid(${owner.gid}); process.setuid(${owner.uid})
        try { claimFolder(process.argv[1], {}); console.log('claimed') } catch (error) { console.log(error.message) }`
      const said = () =>
        execFileSync(
          process.execPath,
          [
            '--require',
            'tsx/cjs',
            '-e',
            `const { claimFolder } = require(${JSON.stringify(MODULE)})\n${script}`,
            path.join(root, 'ses-bounce'),
          ],
          { encoding: 'utf8', cwd: path.join(__dirname, '../..') },
        ).trim()
      chmodSync(path.join(root, 'ses-bounce'), 0o755)
      const text = said()
      const folder = path.join(root, 'ses-bounce')
      assert.equal(
        text,
        `${folder} belongs to another user (uid 0), and Haraka runs as uid 12345; run as root: chown -R 12345:12346 ${folder}`,
      )
      execFileSync('sh', ['-c', text.replace(/^.*run as root: /, '')])
      assert.equal(said(), 'claimed')
    })
  })
})
