// The list of the quarantine and the preview of a mail, over both stores of mail: folders on disk, and a bucket of a real S3
// server.

import assert from 'node:assert/strict'
import { Readable } from 'node:stream'
import { openFolderStore } from '../../src/quarantine/folder-store'
import { type Latest, pageOfQuarantine, type QuarantineFilter } from '../../src/quarantine/list'
import type { MailStore } from '../../src/quarantine/mail-store'
import { nameOf } from '../../src/quarantine/names'
import { previewOf, subjectOf } from '../../src/quarantine/read-preview'
import { QUARANTINE_REASONS, reasonKind } from '../../src/quarantine/reasons'
import { openS3Store } from '../../src/quarantine/s3-store'
import { sharedWorkerThreads } from '../cli/shared-threads'
import { temporaryFolder } from '../queue/support'
import { type S3Server, startS3 } from './s3-server'

const NOW_MS = Date.UTC(2025, 0, 1)
const RAW = `Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n\r\n${'text '.repeat(300_000)}`

let s3: S3Server

const STORES: Record<string, () => { store: MailStore; remove: () => void }> = {
  'in folders': () => {
    const { folder, remove } = temporaryFolder()
    return { store: openFolderStore(folder), remove }
  },
  'in a bucket of S3': () => ({
    store: openS3Store({ bucket: s3.bucket, prefix: 'list' }, { config: s3.config }),
    remove: () => undefined,
  }),
}

describe('the reasons of the quarantine', () => {
  it('are told by the texts that a record has', () => {
    for (const [text, kind] of [
      ['by the rule', 'rule'],
      ['unsafe: null sender', 'unsafe'],
      ['rejected, while other recipients were not; the sender was not told', 'rejected'],
      ['refused by another plugin, while other recipients were not; the sender was not told', 'refused'],
      ['its bounce has been cancelled: by hand', 'not_bounced'],
      ['mismatch: SES refused its bounce', 'mismatch'],
      ['the queue that had its bounce is gone', 'other'],
      ['unsafe', 'other'],
    ] as const)
      assert.equal(reasonKind(text), kind, text)
    assert.equal(new Set(QUARANTINE_REASONS).size, QUARANTINE_REASONS.length)
  })
})

describe('the list of the quarantine', () => {
  before(async () => {
    s3 = await startS3()
  })
  after(() => s3.close())

  for (const [title, open] of Object.entries(STORES))
    describe(title, () => {
      const names = ['first', 'second', 'third', 'gone'].map(nameOf)
      const latest: Latest = ({ after, limit }) => {
        const from = after === undefined ? 0 : names.indexOf(after.name) + 1
        return names.slice(from, from + limit).map((name, index) => ({ name, atMs: NOW_MS - from - index }))
      }
      let opened: ReturnType<typeof open>
      before(async () => {
        opened = open()
        for (const [index, name] of names.slice(0, 3).entries())
          await opened.store.write(
            'quarantine',
            name,
            {
              quarantinedAt: new Date(NOW_MS).toISOString(),
              sender: `sender${index}@origin.example`,
              envelope: { sender: '', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
              held: [{ recipient: 'a@yours.example', rule: `rule${index}`, reason: 'by the rule' }],
              receipt: null,
            },
            to => void Readable.from([RAW]).pipe(to),
          )
      })
      after(async () => {
        await opened.store.close()
        opened.remove()
      })

      const page = (filter: QuarantineFilter, limit: number, after?: { atMs: number; name: string }) =>
        pageOfQuarantine(opened.store, latest, filter, { limit, ...(after && { after }) })

      it('has a page of mails and the place where the next begins, and leaves out what has gone', async () => {
        const first = await page({}, 2)
        assert.deepEqual(
          first.mails.map(({ id, sizeBytes }) => [id, sizeBytes]),
          names.slice(0, 2).map(name => [name, RAW.length]),
        )
        assert.equal(first.next?.name, names[1])
        const second = await page({}, 2, first.next)
        assert.deepEqual(
          second.mails.map(({ id }) => id),
          [names[2]],
        )
        assert.equal(second.next, undefined)
      })

      it('finds by what the records say', async () => {
        const found = async (filter: QuarantineFilter) => (await page(filter, 10)).mails.map(({ id }) => id)
        assert.deepEqual(await found({ rule: 'rule1' }), [names[1]])
        assert.deepEqual(await found({ sender: 'SENDER2@origin.example' }), [names[2]])
        assert.deepEqual(await found({ reason: 'rule', recipient: '@yours.example' }), names.slice(0, 3))
        assert.deepEqual(await found({ reason: 'unsafe' }), [])
      })

      it('has a preview of a mail that reads its beginning only', async () => {
        const [kept] = (await page({}, 1)).mails
        assert.ok(kept)
        const { header, texts, isCut } = await previewOf(opened.store, kept, sharedWorkerThreads())
        assert.deepEqual(header, [{ name: 'Subject', value: 'Grüße' }])
        assert.equal(texts[0]?.length, 20_000)
        assert.equal(isCut, true)
        assert.equal(await subjectOf(opened.store, kept, sharedWorkerThreads()), 'Grüße')
      })
    })
})
