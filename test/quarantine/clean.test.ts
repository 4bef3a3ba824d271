import assert from 'node:assert/strict'
import { existsSync, readdirSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { openCleaner } from '../../src/quarantine/clean'
import { quarantineFolder } from '../../src/quarantine/folder-store'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { temporaryFolder } from '../queue/support'
import { keepMail } from './support'

const DAY_MS = 86_400_000
const KEEP_MS = 30 * DAY_MS
const NOW_MS = Date.UTC(2025, 1, 20)
const OPTIONS = { nowMs: NOW_MS, keepMs: KEEP_MS, found: () => Promise.resolve() }

const RECORD: QuarantineRecord = {
  quarantinedAt: '2025-01-01T00:00:00.000Z',
  envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
  held: [],
  receipt: null,
}

describe('the quarantine, when its time is over,', () => {
  let folder: string
  let remove: () => void
  beforeEach(() => {
    const home = temporaryFolder()
    remove = home.remove
    folder = quarantineFolder(home.folder)
  })
  afterEach(() => remove())

  /** The path of the .eml. */
  async function kept(identity: string, days: number): Promise<string> {
    const eml = await keepMail(folder, identity, RECORD, to => Readable.from(['x']).pipe(to))
    age(eml, days)
    age(eml.replace(/eml$/, 'json'), days)
    return eml
  }

  function age(file: string, days: number): void {
    utimesSync(file, new Date(NOW_MS - days * DAY_MS), new Date(NOW_MS - days * DAY_MS))
  }

  async function clean(most?: number): Promise<number> {
    const cleaner = openCleaner(folder, most)
    const { removed, faults } = await cleaner.step(OPTIONS)
    await cleaner.close()
    assert.deepEqual(faults, [])
    return removed
  }

  it('loses the mail and its record, and what is younger stays', async () => {
    const old = await kept('old', 31)
    const young = await kept('young', 29)
    assert.equal(await clean(), 2)
    assert.equal(existsSync(old), false)
    assert.deepEqual(
      readdirSync(folder).toSorted(),
      [path.basename(young), path.basename(young).replace(/eml$/, 'json')].toSorted(),
    )
  })

  it('keeps a mail that came again', async () => {
    const eml = await kept('again', 31)
    await keepMail(folder, 'again', RECORD, to => Readable.from(['y']).pipe(to))
    age(eml, 1)
    assert.equal(await clean(), 0)
    assert.equal(readdirSync(folder).length, 2)
  })

  it('loses what a killed writer left, after a day', async () => {
    await kept('young', 0)
    const left = (days: number) => {
      const file = path.join(folder, `.${'0'.repeat(24)}-${crypto.randomUUID()}.eml`)
      writeFileSync(file, 'half')
      age(file, days)
      return file
    }
    const [old, fresh] = [left(2), left(0.5)]
    assert.equal(await clean(), 1)
    assert.deepEqual([existsSync(old), existsSync(fresh)], [false, true])
  })

  it('keeps mail whose bounces wait, however old', async () => {
    const [old, needed] = [await kept('old', 31), await kept('needed', 31)]
    const cleaner = openCleaner(folder)
    const { removed } = await cleaner.step({
      ...OPTIONS,
      isNeeded: name => needed.includes(path.join(folder, `${name}.eml`)),
    })
    await cleaner.close()
    assert.equal(removed, 2)
    assert.deepEqual([existsSync(old), existsSync(needed)], [false, true])
  })

  it("keeps what isn't the plugin's, however old", async () => {
    await kept('old', 31)
    for (const name of ['notes.txt', 'copy-of.eml', '.hidden']) {
      writeFileSync(path.join(folder, name), 'x')
      age(path.join(folder, name), 400)
    }
    await clean()
    assert.deepEqual(readdirSync(folder).toSorted(), ['.hidden', 'copy-of.eml', 'notes.txt'])
  })

  it('is cleaned a bit at a time, and as a whole in the end', async () => {
    for (let n = 0; n < 10; n++) await kept(`mail ${n}`, 31)
    const cleaner = openCleaner(folder, 6)
    const { removed } = await cleaner.step(OPTIONS)
    assert.ok(removed > 0 && removed <= 12, `${removed} files at once`)
    for (let n = 0; n < 4; n++) await cleaner.step(OPTIONS)
    assert.deepEqual(readdirSync(folder), [])
    await cleaner.close()
  })

  it('may not be there at all', async () => {
    assert.equal(await clean(), 0)
  })
})
