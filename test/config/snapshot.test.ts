import assert from 'node:assert/strict'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { loadSnapshot, saveSnapshot, snapshotFile } from '../../src/config/snapshot'
import { withTinyDisk } from '../live/support/disk'
import { temporaryFolder } from '../queue/support'

const SNAPSHOT = { savedAt: '2025-02-20T12:00:00.000Z', sources: { 'ses-bounce.ini': 'mode = observe\n' } }

describe('the last good configuration on disk', () => {
  let home: { folder: string; remove: () => void }
  beforeEach(() => {
    home = temporaryFolder()
  })
  afterEach(() => home.remove())

  it('is read back as it was saved, names of every kind too', () => {
    const file = snapshotFile(home.folder)
    const sources = { ...SNAPSHOT.sources, 'lists/böse': '\u2028"\\', ['__proto__']: 'x' }
    saveSnapshot(file, { ...SNAPSHOT, sources }, {})
    assert.deepEqual(loadSnapshot(file), { ...SNAPSHOT, sources })
    saveSnapshot(file, SNAPSHOT, {})
    assert.deepEqual(loadSnapshot(file), SNAPSHOT)
  })

  it('is read as 0.1.0 saved it', () => {
    const file = snapshotFile(home.folder)
    saveSnapshot(file, SNAPSHOT, {})
    writeFileSync(file, JSON.stringify(SNAPSHOT))
    assert.deepEqual(loadSnapshot(file), SNAPSHOT)
  })

  it("belongs to Haraka's workers, which run as another user", function () {
    if (process.getuid?.() !== 0) this.skip()
    const file = snapshotFile(home.folder)
    saveSnapshot(file, SNAPSHOT, { uid: 12345, gid: 12346 })
    for (const one of [file, path.dirname(file)]) {
      const { uid, gid } = statSync(one)
      assert.deepEqual({ uid, gid }, { uid: 12345, gid: 12346 }, one)
    }
  })

  it('stays the one before when the disk is full', async function () {
    const done = await withTinyDisk(64, async disk => {
      const file = snapshotFile(disk)
      saveSnapshot(file, SNAPSHOT, {})
      const large = { ...SNAPSHOT, sources: { list: 'x'.repeat(200_000) } }
      assert.throws(() => saveSnapshot(file, large, {}), /ENOSPC/)
      assert.deepEqual(loadSnapshot(file), SNAPSHOT)
      assert.deepEqual(readdirSync(path.dirname(file)), ['last-good.json'])
    })
    if (done.outcome === 'skipped') this.skip()
  })
})
