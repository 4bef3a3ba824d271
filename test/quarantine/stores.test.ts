// The same behaviour of both stores of mail: folders on disk, and a bucket of a real S3 server.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import path from 'node:path'
import { Readable, type Writable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { bringInOrder } from '../../src/quarantine/bring-in-order'
import { openFolderStore } from '../../src/quarantine/folder-store'
import type { MailStore, StoredFile, SweepOptions } from '../../src/quarantine/mail-store'
import { nameOf } from '../../src/quarantine/names'
import type { HeldRecipient, QuarantineRecord } from '../../src/quarantine/record'
import { openS3Store } from '../../src/quarantine/s3-store'
import { takeOut } from '../../src/quarantine/take-out'
import { temporaryFolder } from '../queue/support'
import { type S3Server, startS3 } from './s3-server'

const NAME = nameOf('a mail')
const HELD: HeldRecipient = {
  recipient: 'a@yours.example',
  rule: 'bad',
  reason: 'its bounce has failed',
  job: '1',
}
const RECORD: QuarantineRecord = {
  quarantinedAt: new Date().toISOString(),
  sender: 'joe@origin.example',
  envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
  held: [],
  receipt: null,
}
const MAIL = Buffer.from('From: joe@origin.example\r\n\r\n.dot\r\nümlaut \0 \xff\r\n', 'latin1')
const LEDGER = { letGo: () => true, gone: () => undefined, putBack: () => undefined }
const DAY_MS = 86_400_000

const piped = (data: Buffer) => (to: Writable) => void Readable.from([data]).pipe(to)

interface Opened {
  store: MailStore
  close(): Promise<void>
}

const STORES: Record<string, () => Promise<Opened>> = {
  async 'in folders'() {
    const { folder, remove } = temporaryFolder()
    const store = openFolderStore(folder)
    return { store, close: () => store.close().then(remove) }
  },
  async 'in a bucket of S3'() {
    const store = openS3Store({ bucket: s3.bucket, prefix: 'ses-bounce/mail' }, { config: s3.config })
    return { store, close: () => store.close() }
  },
}

let s3: S3Server

describe('a store of mail', () => {
  before(async () => {
    s3 = await startS3()
  })
  after(() => s3.close())

  for (const [title, open] of Object.entries(STORES))
    describe(title, () => {
      let opened: Opened
      let store: MailStore
      beforeEach(async () => {
        opened = await open()
        store = opened.store
      })
      afterEach(async () => {
        await store.remove('kept', NAME)
        await store.remove('quarantine', NAME)
        await opened.close()
      })

      const write = (place: 'kept' | 'quarantine' = 'kept', held: HeldRecipient[] = []) =>
        store.write(place, NAME, { ...RECORD, held }, piped(MAIL))
      const places = async () => ({
        kept: await store.has('kept', NAME),
        quarantine: await store.has('quarantine', NAME),
      })
      const sweep = async (more: Partial<SweepOptions> = {}) => {
        const found: string[] = []
        const { removed, faults } = await store.sweep({
          nowMs: Date.now(),
          keepMs: 30 * DAY_MS,
          found: async (place, name, { sizeBytes }) => void found.push(`${place} ${name} ${sizeBytes}`),
          ...more,
        })
        assert.deepEqual(faults, [])
        return { removed, found }
      }

      it('has a mail byte for byte with its record, once it is written', async () => {
        assert.deepEqual(await places(), { kept: false, quarantine: false })
        await write()
        assert.deepEqual(await places(), { kept: true, quarantine: false })
        assert.deepEqual(await buffer(store.read('kept', NAME)), MAIL)
        assert.deepEqual(await buffer(store.read('kept', NAME, 4)), MAIL.subarray(0, 4))
        assert.deepEqual(await store.record('kept', NAME), { record: RECORD, isOwn: true })
        const { sizeBytes, atMs } = (await store.stat('kept', NAME)) ?? assert.fail()
        assert.equal(sizeBytes, MAIL.length)
        assert.ok(Math.abs(Date.now() - atMs) < 60_000)
      })

      it('has a mail of 20 MB byte for byte', async () => {
        const large = randomBytes(20 * 1024 * 1024)
        await store.write('kept', NAME, RECORD, piped(large))
        assert.ok((await buffer(store.read('kept', NAME))).equals(large))
      })

      it('has no mail whose stream broke, and still has the one before', async () => {
        const broken = (to: Writable) =>
          void Readable.from(
            (function* () {
              yield MAIL
              throw new Error('the relay went away')
            })(),
          )
            .on('error', error => to.destroy(error))
            .pipe(to)
        await assert.rejects(async () => store.write('kept', NAME, RECORD, broken), /the relay went away/)
        assert.deepEqual(await places(), { kept: false, quarantine: false })
        await write()
        await assert.rejects(async () => store.write('kept', NAME, RECORD, broken), /the relay went away/)
        assert.deepEqual(await buffer(store.read('kept', NAME)), MAIL)
      })

      it('moves a mail to the quarantine when its bounce failed, and back for another recipient', async () => {
        await write()
        const fate = { done: [], held: [HELD], waits: true }
        assert.equal(await bringInOrder(store, NAME, fate, Date.now()), 'moved')
        assert.deepEqual(await places(), { kept: false, quarantine: true })
        assert.deepEqual((await store.record('quarantine', NAME))?.record.held, [HELD])
        assert.deepEqual(await store.names(), [NAME])
        assert.equal(await bringInOrder(store, NAME, fate, Date.now()), 'held')
        const record = (await store.record('quarantine', NAME))?.record
        assert.equal(await takeOut(store, NAME, record, LEDGER, Date.now()), 'stays')
        assert.deepEqual(await places(), { kept: true, quarantine: false })
        assert.deepEqual((await store.record('kept', NAME))?.record.held, [])
        const done = { done: [], held: [], waits: false }
        assert.equal(await bringInOrder(store, NAME, { ...done, waits: true }, Date.now()), 'waits')
      })

      it('deletes a mail whose bounces are made', async () => {
        await write()
        const done = [{ ...KEPT, state: 'sent' as const }]
        assert.equal(await bringInOrder(store, NAME, { done, held: [], waits: false }, Date.now()), 'deleted')
        assert.deepEqual(await places(), { kept: false, quarantine: false })
        assert.equal(await bringInOrder(store, NAME, { done, held: [], waits: false }, Date.now()), 'gone')
        assert.equal(await store.remove('kept', NAME), false)
      })

      it('finds every mail when it is swept, and removes those from the quarantine whose time is over', async () => {
        await write()
        assert.deepEqual(await sweep(), { removed: 0, found: [`kept ${NAME} ${MAIL.length}`] })
        const late = { nowMs: Date.now() + 31 * DAY_MS }
        assert.deepEqual(await sweep(late), { removed: 0, found: [`kept ${NAME} ${MAIL.length}`] })
        await store.hold(NAME, [HELD], Date.now())
        const found = [`quarantine ${NAME} ${MAIL.length}`]
        assert.deepEqual(await sweep(), { removed: 0, found })
        assert.deepEqual(await sweep({ ...late, isNeeded: () => true }), { removed: 0, found })
        assert.deepEqual(await sweep(late), { removed: 2, found: [] })
        assert.deepEqual(await places(), { kept: false, quarantine: false })
      })
    })

  it('in folders of a host whose clock is wrong takes nothing that is being written for old, and dates mail by the queue', async () => {
    const { folder, remove } = temporaryFolder()
    // by which the queue's clock is ahead of the host's
    for (const behindMs of [3_600_000, -3_600_000]) {
      const store = openFolderStore(folder, { aheadMs: () => -behindMs })
      const nowMs = Date.now() + behindMs
      await store.write('kept', NAME, RECORD, piped(MAIL))
      const beingWritten = path.join(folder, 'ses-bounce/kept', `${nameOf('another')}.json`)
      writeFileSync(beingWritten, '{}')
      const found: number[] = []
      const sweep = async (keepMs = DAY_MS) => {
        const options = {
          nowMs,
          keepMs,
          found: async (_place: string, _name: string, { atMs }: StoredFile) => void found.push(atMs),
        }
        return (await store.sweep(options)).removed
      }
      assert.equal(await sweep(), 0)
      assert.ok(existsSync(beingWritten))
      assert.ok(Math.abs((found[0] ?? 0) - nowMs) < 60_000, `${found[0]}`)
      await store.hold(NAME, [HELD], nowMs)
      assert.equal(await sweep(60_000), 0, 'it has been there for no minute')
      await store.remove('quarantine', NAME)
      await store.close()
    }
    remove()
  })

  it('in a folder of hosts that share a queue is named by the folder, not by its path', () => {
    const [one, other] = [temporaryFolder(), temporaryFolder()]
    const homeOf = (folder: string) => openFolderStore(folder, { isOnOneHost: false }).home
    const home = homeOf(one.folder)
    assert.match(home, /^folder:[0-9a-f-]{36}$/)
    assert.equal(homeOf(one.folder), home)
    assert.notEqual(homeOf(other.folder), home)
    assert.deepEqual(readdirSync(path.join(one.folder, 'ses-bounce')), ['store-id'])
    for (const { remove } of [one, other]) remove()
  })

  it('in a bucket finds all of many mails, some in each step', async () => {
    const store = openS3Store({ bucket: s3.bucket, prefix: 'many' }, { config: s3.config })
    const names = Array.from({ length: 12 }, (_, n) => nameOf(`mail ${n}`))
    for (const name of names) await store.write('quarantine', name, { ...RECORD, held: [HELD] }, piped(MAIL))
    const found = new Set<string>()
    const options = {
      nowMs: Date.now(),
      keepMs: DAY_MS,
      found: async (_: string, name: string) => void found.add(name),
    }
    const inSteps = openS3Store({ bucket: s3.bucket, prefix: 'many' }, { config: s3.config, keysAtOnce: 5 })
    for (let step = 0; step < 8; step++) assert.deepEqual((await inSteps.sweep(options)).faults, [])
    assert.deepEqual([...found].toSorted(), names.toSorted())
    assert.deepEqual((await inSteps.names()).toSorted(), names.toSorted())
    await Promise.all([store.close(), inSteps.close()])
  })

  it('in a bucket says what is wrong when S3 refuses', async () => {
    const store = openS3Store({ bucket: 'no-such-bucket', prefix: '' }, { config: s3.config })
    await assert.rejects(async () => store.write('kept', NAME, RECORD, piped(MAIL)), /NoSuchBucket|bucket/i)
    const { faults } = await store.sweep({ nowMs: Date.now(), keepMs: DAY_MS, found: async () => undefined })
    assert.equal(faults.length, 1)
    await store.close()
  })

  it('in a bucket gives up in time when S3 accepts a mail and never answers', async () => {
    const sockets = new Set<Socket>()
    const hole = createServer(socket => void sockets.add(socket)).listen(0, '127.0.0.1')
    await once(hole, 'listening')
    const { port } = hole.address() as AddressInfo
    const config = { ...s3.config, endpoint: `http://127.0.0.1:${port}` }
    const store = openS3Store({ bucket: 'mail', prefix: '' }, { config, answerMs: 200, writeMs: 600 })
    await assert.rejects(async () => store.write('kept', NAME, RECORD, piped(MAIL)))
    // the mail itself never ends
    await assert.rejects(async () => store.write('kept', NAME, RECORD, () => undefined), /didn't end in time/)
    await assert.rejects(async () => store.has('kept', NAME))
    await store.close()
    for (const socket of sockets) socket.destroy()
    hole.close()
  })
})

const KEPT = {
  address: 'a@yours.example',
  rule: 'bad',
  jobId: '1',
  why: '',
  isUnconfirmed: false,
}
