import assert from 'node:assert/strict'
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import Driver from 'libsql'
import { othersCanReadCheckout } from './support/directory'
import { fill, withTinyDisk } from './support/disk'
import { plainMail, type SesMail, sesMail } from './support/mail'
import { type Product, type ProductOptions, startProduct } from './support/product'
import { replyText, sendMail } from './support/smtp'
import { FRIEND, FROM, rulesAround, TO } from './support/strict'
import { onlyJob, reasonsHeld, watch } from './support/unharmed'
import { until } from './support/wait'

const KEEP = 'keep@yours.example'
const RULES = rulesAround(`
[keep]
recipient = ${KEEP}
action = quarantine
`)
const LATER = /^450 4\.3\.0 Try again later/
const TAKEN = /^250 Message accepted by policy/

describe('a bad disk', function () {
  it('that is full makes Haraka refuse mail temporarily, until there is room again', async function () {
    const dir = mkdtempSync(path.join(tmpdir(), 'haraka-'))
    const done = await withTinyDisk(1024, async disk => {
      symlinkSync(disk, path.join(dir, 'ses-bounce'))
      await withProduct({ haraka: { dir } }, async (product, assertUnharmed) => {
        const filler = path.join(disk, 'filler')
        fill(filler)
        const bounced = sesMail()
        const kept = sesMail({ recipient: KEEP })
        const mixed = sesMail({ headers: { To: `${TO}, ${FRIEND}` } })
        await assertRefusedForNow(product, bounced, [TO])
        await assertRefusedForNow(product, kept, [KEEP])
        await assertRefusedForNow(product, mixed, [FRIEND, TO])
        assert.deepEqual(quarantineNames(product), [])
        // what isn't ours is no concern of our disk
        assert.match(await send(product, plainMail(), [FRIEND]), /^250 captured/)
        await assertUnharmed()

        rmSync(filler)
        assert.match(await send(product, bounced.data, [TO]), TAKEN)
        assert.match(await send(product, kept.data, [KEEP]), TAKEN)
        assert.deepEqual(reasonsHeld(product, kept.sesId), ['by the rule'])
        assert.match(await send(product, mixed.data, [FRIEND, TO]), /^250 captured/)
        assert.deepEqual(
          product.haraka.delivered().map(({ to }) => to),
          [[FRIEND], [FRIEND]],
        )
        await assertSent(product, bounced, mixed)
        await assertUnharmed()
      })
    })
    rmSync(dir, { recursive: true, force: true })
    if (done.outcome === 'skipped') {
      console.log(done.why)
      this.skip()
    }
  })

  describe('whose folder is a file', () => {
    it('by something else refuses temporarily, until all is back in its place', async () => {
      await withProduct(
        { ini: { queue: { path: 'jobs/queue.sqlite' } } },
        async (product, assertUnharmed) => {
          const folders = { jobs: TO, 'ses-bounce/quarantine': KEEP }
          for (const [name, recipient] of Object.entries(folders)) {
            const folder = path.join(product.haraka.dir, name)
            const mail = sesMail({ recipient })
            renameSync(folder, `${folder}.away`)
            writeFileSync(folder, 'in the way')
            assert.match(await send(product, mail.data, [recipient]), LATER, `${name} is a file`)
            rmSync(folder)
            renameSync(`${folder}.away`, folder)
            assert.match(await send(product, mail.data, [recipient]), TAKEN, name)
          }
          assert.deepEqual(product.haraka.delivered(), [])
          await product.calls(1)
          await assertUnharmed()
        },
      )
    })
  })

  it("that others own refuses temporarily, until the queue is the workers' own again", async function () {
    if (process.getuid?.() !== 0 || !othersCanReadCheckout()) return this.skip()
    await withProduct({ haraka: { user: 'nobody', group: 'nogroup' } }, async (product, assertUnharmed) => {
      const mail = sesMail()
      for (const mode of [0o600, 0o644]) {
        chownSync(product.queueFile, 0, 0)
        chmodSync(product.queueFile, mode)
        assert.match(await send(product, mail.data, [TO]), LATER, mode.toString(8))
      }
      const { uid, gid } = NOBODY
      chownSync(product.queueFile, uid, gid)
      assert.match(await send(product, mail.data, [TO]), TAKEN)
      await assertSent(product, mail)
      await assertUnharmed()
    })
  })

  it('that another program keeps locked refuses temporarily, soon; nothing else waits for it', async () => {
    await withProduct({}, async (product, assertUnharmed) => {
      const mail = sesMail()
      const other = new Driver(product.queueFile)
      other.exec('BEGIN EXCLUSIVE')
      try {
        const startMs = performance.now()
        await assertRefusedForNow(product, mail, [TO])
        // Haraka itself would give up after 30 s
        assert.ok(performance.now() - startMs < 5000)
        assert.match(await send(product, plainMail(), [FRIEND]), /^250 captured/)
      } finally {
        other.exec('ROLLBACK')
        other.close()
      }
      assert.match(await send(product, mail.data, [TO]), TAKEN)
      await assertSent(product, mail)
      await assertUnharmed()
    })
  })
})

const NOBODY = { uid: 65534, gid: 65534 }

async function withProduct(
  options: ProductOptions,
  use: (product: Product, assertUnharmed: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const product = await startProduct({
    rules: RULES,
    ...options,
    ini: { limit: { interval: '1ms', slack: '0ms' }, ...options.ini },
    ses: { intervalMs: 0 },
    haraka: { nodes: 1, ready: 'dispatching', ...options.haraka },
  })
  try {
    await use(product, watch(product))
  } finally {
    await product.stop()
  }
}

async function send({ haraka }: Product, data: Buffer, to: string[]): Promise<string> {
  const { reply } = await sendMail({ port: haraka.port, from: FROM, to, data })
  return replyText(reply)
}

/** Neither queued nor held back nor delivered, also in part. */
async function assertRefusedForNow(product: Product, mail: SesMail, to: string[]): Promise<void> {
  const before = product.haraka.delivered().length
  assert.match(await send(product, mail.data, to), LATER)
  assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
  assert.deepEqual(reasonsHeld(product, mail.sesId), [])
  assert.equal(product.haraka.delivered().length, before)
}

async function assertSent(product: Product, ...mails: SesMail[]): Promise<void> {
  for (const { sesId } of mails) {
    await until(() => onlyJob(product, sesId).state === 'sent', { what: `the bounce of ${sesId}` })
  }
}

function quarantineNames({ haraka }: Product): string[] {
  return readdirSync(path.join(haraka.dir, 'ses-bounce', 'quarantine'))
}
