import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { quarantineFolder } from '../../src/quarantine/folder-store'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { parseRecord } from '../../src/quarantine/record'
import { withTinyDisk } from '../live/support/disk'
import { temporaryFolder } from '../queue/support'
import { keepMail } from './support'

const RECORD: QuarantineRecord = {
  quarantinedAt: '2025-02-20T13:00:00.000Z',
  envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
  held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'by the rule' }],
  receipt: { sesId: '7k822gft4kqt' },
}

/** Writes the data like Haraka's message_stream. */
function writing(data: string | Buffer): (to: Writable) => void {
  return to => Readable.from([Buffer.from(data)]).pipe(to)
}

describe('keepMail', () => {
  let home: { folder: string; remove: () => void }
  let folder: string
  beforeEach(() => {
    home = temporaryFolder()
    folder = quarantineFolder(home.folder)
  })
  afterEach(() => home.remove())

  it('keeps the mail byte for byte, with what is known of it beside it', async () => {
    const raw = Buffer.from([0, 13, 10, 46, 13, 10, 255, 254, 128])
    const eml = await keepMail(folder, 'mail 1', RECORD, writing(raw))
    assert.equal(path.dirname(eml), path.join(home.folder, 'ses-bounce', 'quarantine'))
    assert.deepEqual(readFileSync(eml), raw)
    assert.deepEqual(parseRecord(readFileSync(eml.replace(/\.eml$/, '.json'), 'utf8')), RECORD)
    assert.equal(readdirSync(folder).length, 2)
  })

  it('keeps a large mail byte for byte, in whatever pieces it comes', async () => {
    const pieces = Array.from({ length: 3000 }, (_, n) => Buffer.alloc((n * 7919) % 5000, `${n} `))
    const eml = await keepMail(folder, 'mail 1', RECORD, to => void Readable.from(pieces).pipe(to))
    assert.ok(Buffer.concat(pieces).equals(readFileSync(eml)))
  })

  it('makes the folder again that somebody has removed', async () => {
    await keepMail(folder, 'mail 1', RECORD, writing('first'))
    rmSync(folder, { recursive: true })
    const eml = await keepMail(folder, 'mail 2', RECORD, writing('second'))
    assert.equal(readFileSync(eml, 'utf8'), 'second')
    assert.equal(statSync(folder).mode & 0o777, 0o700)
  })

  it('lets nobody else read them, whatever the umask', async () => {
    const umask = process.umask(0)
    try {
      await keepMail(folder, 'mail 1', RECORD, writing('x'))
    } finally {
      process.umask(umask)
    }
    assert.equal(statSync(folder).mode & 0o777, 0o700)
    for (const name of readdirSync(folder)) {
      assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600, name)
    }
  })

  it('uses no text of the mail in a name', async () => {
    const eml = await keepMail(folder, '../../../etc/passwd\0"; rm', RECORD, writing('x'))
    assert.match(path.relative(folder, eml), /^[\da-f]{24}\.eml$/)
  })

  it('replaces the same mail when it is delivered again, and no other', async () => {
    const first = await keepMail(folder, 'mail 1', RECORD, writing('first'))
    const other = await keepMail(folder, 'mail 2', RECORD, writing('other'))
    const again = await keepMail(folder, 'mail 1', { ...RECORD, receipt: null }, writing('again'))
    assert.equal(again, first)
    assert.equal(readFileSync(first, 'utf8'), 'again')
    assert.equal(JSON.parse(readFileSync(first.replace(/\.eml$/, '.json'), 'utf8')).receipt, null)
    assert.equal(readFileSync(other, 'utf8'), 'other')
    assert.equal(readdirSync(folder).length, 4)
  })

  it('keeps one whole mail when the same comes twice at once', async () => {
    const [one, two] = ['1', '2'].map(mark => mark.repeat(100_000))
    assert.ok(one && two)
    const kept = await Promise.all([one, two].map(text => keepMail(folder, 'mail', RECORD, writing(text))))
    assert.equal(kept[0], kept[1])
    assert.ok([one, two].includes(readFileSync(kept[0] ?? '', 'utf8')))
    assert.equal(readdirSync(folder).length, 2)
  })

  const failures: [what: string, pipe: (to: Writable) => void, says: RegExp][] = [
    ['fails half way', to => to.write('half', () => to.destroy(new Error('peer gone'))), /peer gone/],
    ['ends without an end', to => to.write('half', () => to.destroy()), /ended early/],
    [
      'is refused at once',
      () => {
        throw new Error('no stream')
      },
      /no stream/,
    ],
  ]
  for (const [what, pipe, says] of failures) {
    it(`leaves nothing when the mail ${what}`, async () => {
      await assert.rejects(keepMail(folder, 'mail', RECORD, pipe), says)
      assert.deepEqual(readdirSync(folder), [])
    })
  }

  it('leaves the mail that was kept before when it fails the second time', async () => {
    const eml = await keepMail(folder, 'mail', RECORD, writing('first'))
    const failing = (to: Writable) => to.destroy(new Error('peer gone'))
    await assert.rejects(keepMail(folder, 'mail', RECORD, failing), /peer gone/)
    assert.equal(readFileSync(eml, 'utf8'), 'first')
    assert.equal(readdirSync(folder).length, 2)
  })

  it('says so, and consumes nothing, when there can be no folder', async () => {
    writeFileSync(path.join(home.folder, 'ses-bounce'), 'a file')
    await assert.rejects(keepMail(folder, 'mail', RECORD, writing('x')), /ENOTDIR|EEXIST/)
  })

  it('leaves nothing on a full disk', async function () {
    const done = await withTinyDisk(64, async disk => {
      const place = path.join(disk, 'quarantine')
      await assert.rejects(keepMail(place, 'mail', RECORD, writing(Buffer.alloc(200_000, 'x'))), /ENOSPC/)
      assert.deepEqual(readdirSync(place), [])
      assert.ok(existsSync(await keepMail(place, 'mail', RECORD, writing('small'))))
    })
    if (done.outcome === 'skipped') this.skip()
  })
})
