// A mail moves between the folders kept and quarantine, by the dispatcher and by an operator, at any moment of the other.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { bringInOrder, type MailFolders } from '../../src/quarantine/bring-in-order'
import { keepMail, keptFolder, nameOf, quarantineFolder, writeRecord } from '../../src/quarantine/keep'
import { readKept } from '../../src/quarantine/kept'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { takeOut } from '../../src/quarantine/take-out'
import type { Fate } from '../../src/queue/mail-ledger'
import { temporaryFolder } from '../queue/support'

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
  beforeEach(async () => {
    home = temporaryFolder()
    folders = { kept: keptFolder(home.folder), quarantine: quarantineFolder(home.folder) }
    await keepMail(folders.kept, 'mail 1', RECORD, to => void to.end('a mail'))
  })
  afterEach(() => home.remove())

  const file = (folder: keyof MailFolders, ending: string) => path.join(folders[folder], `${NAME}.${ending}`)
  const toQuarantine = () => bringInOrder(folders, NAME, HALF, Date.now())
  const back = () => takeOut(folders, NAME, { ...RECORD, held: [HELD] }, LEDGER)

  it('keeps its record when an operator releases it as soon as it is in the quarantine', async () => {
    for (let round = 0; round < 30; round++) {
      const moved = toQuarantine()
      while (!existsSync(file('quarantine', 'eml'))) await setImmediate()
      assert.equal(await back(), 'stays')
      await moved
      assert.deepEqual((await readKept(folders.kept, NAME))?.record?.held, [], `round ${round}`)
    }
  })

  it('keeps its record when the process ends on the way to the quarantine', async () => {
    await toQuarantine()
    renameSync(file('quarantine', 'eml'), file('kept', 'eml'))
    assert.equal(await toQuarantine(), 'moved')
    assert.deepEqual((await readKept(folders.quarantine, NAME))?.record?.held, [HELD])
    assert.deepEqual(readdirSync(folders.kept), [])
  })

  it('keeps its record when the process ends on the way back', async () => {
    await toQuarantine()
    await writeRecord(folders.kept, NAME, { ...RECORD, held: [] })
    rmSync(file('quarantine', 'json'))
    const fate: Fate = { done: [], held: [], waits: true }
    assert.equal(await bringInOrder(folders, NAME, fate, Date.now()), 'held')
    const found = await readKept(folders.quarantine, NAME)
    assert.deepEqual(found?.record?.envelope, RECORD.envelope)
    assert.equal(await back(), 'stays')
    assert.deepEqual((await readKept(folders.kept, NAME))?.record?.envelope, RECORD.envelope)
  })
})
