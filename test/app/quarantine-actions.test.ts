// A release and a deletion at the same time, with real files and a server that speaks SMTP on a socket.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, rmSync } from 'node:fs'
import { type AddressInfo, createServer, type Server } from 'node:net'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { deleteMail, NOT_THERE, type QuarantineContext, releaseMail } from '../../src/app/quarantine-actions'
import { openFolderStore, quarantineFolder } from '../../src/quarantine/folder-store'
import { previewOf } from '../../src/quarantine/read-preview'
import type { QuarantineRecord } from '../../src/quarantine/record'
import { releaseLockFolder } from '../../src/quarantine/release-lock'
import { keepMail } from '../quarantine/support'
import { temporaryFolder } from '../queue/support'

const RECORD: QuarantineRecord = {
  quarantinedAt: '2025-02-20T12:38:04.000Z',
  envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
  held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'unsafe: null sender' }],
  receipt: { sesId: 'm1' },
}

describe('a mail that leaves the quarantine', () => {
  let temporary: ReturnType<typeof temporaryFolder>
  let server: Server
  let accepted: string[]
  beforeEach(async () => {
    temporary = temporaryFolder()
    accepted = []
    server = smtpServer(mail => accepted.push(mail)).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterEach(async () => {
    server.close()
    await once(server, 'close')
    temporary.remove()
  })

  const endpoint = () => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port })

  async function keep(): Promise<string> {
    const folder = quarantineFolder(temporary.folder)
    const eml = await keepMail(folder, 'one', RECORD, to => void to.end('Subject: x\r\n\r\nbody\r\n'))
    return path.basename(eml, '.eml')
  }

  /** `issued`: while the release is under way, before it opens the mail. */
  function context(issued: () => unknown = () => undefined): QuarantineContext {
    return {
      store: openFolderStore(temporary.folder),
      tokens: {
        issue: async () => {
          await issued()
          return { token: 'x', revoke: () => Promise.resolve() }
        },
        redeem: () => Promise.resolve(true),
      },
      locks: releaseLockFolder(temporary.folder),
      now: () => 0,
      actor: { who: 'anna', via: 'api', host: 'mx' },
    }
  }

  it('is delivered as it is, and then gone', async () => {
    const id = await keep()
    assert.deepEqual(await releaseMail(context(), id, endpoint()), { value: { to: ['a@yours.example'] } })
    assert.deepEqual(accepted, ['Subject: x\r\n\r\nbody\r\n'])
    assert.deepEqual(readdirSync(quarantineFolder(temporary.folder)), [])
  })

  it('is not delivered if it is deleted while it is released, and harms no process', async () => {
    const id = await keep()
    const done = await releaseMail(
      context(() => deleteMail(context(), id)),
      id,
      endpoint(),
    )
    assert.deepEqual(done, { fault: NOT_THERE })
    assert.deepEqual(accepted, [])
    assert.deepEqual(readdirSync(releaseLockFolder(temporary.folder)), [])
  })

  it('is released once at a time, and says how long a killed release counts', async () => {
    const id = await keep()
    let second: unknown
    await releaseMail(
      context(async () => {
        second = await releaseMail(context(), id, endpoint())
      }),
      id,
      endpoint(),
    )
    assert.match(JSON.stringify(second), /being released at this moment.*15 minutes/)
    assert.equal(accepted.length, 1)
  })

  it('has a preview that says so if it goes while it is read', async () => {
    const id = await keep()
    const store = openFolderStore(temporary.folder)
    rmSync(path.join(quarantineFolder(temporary.folder), `${id}.eml`))
    const threads = { preview: () => Promise.reject(new Error('nothing to preview')) }
    // no thread is asked, as there is nothing to read
    const { fault } = await previewOf(store, { id, sizeBytes: 1 }, threads)
    assert.equal(fault, 'the mail has left the quarantine meanwhile')
  })
})

/** Accepts everything. */
function smtpServer(accept: (mail: string) => void): Server {
  return createServer(socket => {
    socket.on('error', () => undefined)
    let mail: string[] | undefined
    socket.write('220 mx\r\n')
    createInterface({ input: socket }).on('line', line => {
      if (mail === undefined) {
        if (line === 'DATA') mail = []
        socket.write(line === 'DATA' ? '354 go on\r\n' : '250 ok\r\n')
      } else if (line === '.') {
        accept(mail.map(one => `${one}\r\n`).join(''))
        mail = undefined
        socket.write('250 ok\r\n')
      } else mail.push(line)
    })
  })
}
