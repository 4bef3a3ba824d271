// A mail moves between the folders kept and quarantine, by the dispatcher and by an operator, at any moment of the other.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { bringInOrder } from '../../src/quarantine/bring-in-order'
import { type MailFolders, readRecord } from '../../src/quarantine/folder-moves'
import { keptFolder, openFolderStore, quarantineFolder } from '../../src/quarantine/folder-store'
import type { MailStore } from '../../src/quarantine/mail-store'
import { nameOf } from '../../src/quarantine/names'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { takeOut } from '../../src/quarantine/take-out'
import { writeRecord } from '../../src/quarantine/write-files'
import type { Fate } from '../../src/queue/mail-ledger'
import { temporaryFolder } from '../queue/support'
import { keepMail } from './support'

const NAME = nameOf('mail 1')
const HELD = {
  recipient: 'bad@yours.example',
  rule: 'bad',
  reason: 'its bounce has failed: refused',
  job: '1',
}
const RECORD: QuarantineRecord = {
  quarantinedAt: '2025-02-20T13:00:00.000Z',
  envelope: {
    sender: 'joe@origin.example',
    recipients: ['bad@yours.example', 'held@yours.example'],
    relayIp: '192.0.2.1',
  },
  held: [],
  receipt: { sesId: '7k822gft4kqt' },
}
/** The bounce of one recipient has failed, that of the other waits. */
const HALF: Fate = { done: [], held: [HELD], waits: true }
const LEDGER = { letGo: () => true, gone: () => undefined, putBack: () => undefined }

describe('a mail between the folders kept and quarantine', () => {
  let home: { folder: string; remove: () => void }
  let folders: MailFolders
  let store: MailStore
  beforeEach(async () => {
    home = temporaryFolder()
    store = openFolderStore(home.folder)
    folders = { kept: keptFolder(home.folder), quarantine: quarantineFolder(home.folder) }
    await keepMail(folders.kept, 'mail 1', RECORD, to => void to.end('a mail'))
  })
  afterEach(() => home.remove())

  const file = (folder: keyof MailFolders, ending: string) => path.join(folders[folder], `${NAME}.${ending}`)
  const toQuarantine = () => bringInOrder(store, NAME, HALF, Date.now())
  const back = () => takeOut(store, NAME, { ...RECORD, held: [HELD] }, LEDGER, Date.now())

  it('keeps its record when an operator releases it as soon as it is in the quarantine', async () => {
    for (let round = 0; round < 30; round++) {
      const moved = toQuarantine()
      while (!existsSync(file('quarantine', 'eml'))) await setImmediate()
      assert.equal(await back(), 'stays')
      await moved
      assert.deepEqual((await readRecord(folders.kept, NAME))?.held, [], `round ${round}`)
    }
  })

  it('keeps its record when the process ends on the way to the quarantine', async () => {
    await toQuarantine()
    renameSync(file('quarantine', 'eml'), file('kept', 'eml'))
    assert.equal(await toQuarantine(), 'moved')
    assert.deepEqual((await readRecord(folders.quarantine, NAME))?.held, [HELD])
    assert.deepEqual(readdirSync(folders.kept), [])
  })

  it('keeps its record when the process ends on the way back', async () => {
    await toQuarantine()
    await writeRecord(folders.kept, NAME, { ...RECORD, held: [] })
    rmSync(file('quarantine', 'json'))
    const fate: Fate = { done: [], held: [], waits: true }
    assert.equal(await bringInOrder(store, NAME, fate, Date.now()), 'held')
    const found = await readRecord(folders.quarantine, NAME)
    assert.deepEqual(found?.envelope, RECORD.envelope)
    assert.equal(await back(), 'stays')
    assert.deepEqual((await readRecord(folders.kept, NAME))?.envelope, RECORD.envelope)
  })
})
