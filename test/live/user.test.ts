// Haraka whose workers run as another user: all files are theirs alone, and the dispatcher is one of them.

import assert from 'node:assert/strict'
import { chownSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sesBounce } from './support/command'
import { othersCanReadCheckout } from './support/directory'
import { dispatcherPid } from './support/dispatcher'
import { bounceOf, keptOf, relay, said, startFlow } from './support/flow'
import { expectBootFailure } from './support/haraka'
import { openFiles } from './support/http'
import { processes } from './support/processes'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

const THEIRS = { nodes: 1, user: 'nobody', group: 'nogroup' }

function holdsOpen(pid: number, dir: string): boolean {
  try {
    return openFiles(pid).some(file => file.startsWith(dir))
  } catch {
    // it has ended
    return false
  }
}

describe('user and group in smtp.ini', function () {
  let product: Product
  before(async function () {
    const why = whyNot()
    if (why !== undefined) {
      console.log(`    skipped: ${why}`)
      this.skip()
    }
    const rules = `[held]\nrecipient = held@yours.example\naction = quarantine\n\n${BOUNCE_ALL}`
    product = await startFlow({ rules, haraka: THEIRS })
  })
  after(() => product?.stop())

  it('have mail bounced and quarantined by that user', async () => {
    const { reply, mail } = await relay(product, { to: ['held@yours.example', 'user@yours.example'] })
    assert.equal(said(reply), '250 Message accepted by policy')
    assert.equal(keptOf(product, mail).length, 1)
    await bounceOf(product, mail)
  })

  it('own all files, and nobody else may read them', assertTheirs)

  function assertTheirs(): void {
    const root = path.join(product.haraka.dir, 'ses-bounce')
    const names = readdirSync(root, { recursive: true, encoding: 'utf8' })
    const found = ['.', ...names].map(name => {
      const { uid, gid, mode } = statSync(path.join(root, name))
      return { name, uid, gid, mode: (mode & 0o777).toString(8), isFolder: (mode & 0o170000) === 0o040000 }
    })
    const expected = { uid: idIn('/etc/passwd', 'nobody'), gid: idIn('/etc/group', 'nogroup') }
    assert.deepEqual(
      found,
      found.map(({ name, isFolder }) => ({ name, ...expected, mode: isFolder ? '700' : '600', isFolder })),
    )
    for (const name of ['queue.sqlite', 'last-good.json', 'quarantine']) assert.ok(names.includes(name), name)
    assert.ok(names.some(name => name.endsWith('.eml')))
  }

  it('are those of the dispatcher', async () => {
    const status = readFileSync(`/proc/${await dispatcherPid(product)}/status`, 'utf8')
    const ids = (what: string) => new RegExp(`^${what}:\\s+(.*)$`, 'm').exec(status)?.[1]?.split(/\s+/) ?? []
    // proc(5): real, effective, saved, file system
    assert.deepEqual(new Set(ids('Uid')), new Set([String(idIn('/etc/passwd', 'nobody'))]))
    assert.deepEqual(new Set(ids('Gid')), new Set([String(idIn('/etc/group', 'nogroup'))]))
  })

  it('give the dispatcher its home, where the AWS SDK looks for ~/.aws', async () => {
    const variables = readFileSync(`/proc/${await dispatcherPid(product)}/environ`, 'utf8').split('\0')
    const home = readFileSync('/etc/passwd', 'utf8')
      .split('\n')
      .find(line => line.startsWith('nobody:'))
      ?.split(':')[5]
    assert.ok(
      variables.includes(`HOME=${home}`),
      variables.find(one => one.startsWith('HOME=')),
    )
  })

  it('own them still when root has used the command, while Haraka runs and after its end', async () => {
    for (const args of [['pause'], ['resume'], ['list'], ['stats'], ['drain']]) {
      const { code, errors } = await sesBounce(product, 'queue', ...args)
      assert.deepEqual([code, errors], [0, []], args.join(' '))
    }
    assertTheirs()
    await product.haraka.stop()
    assert.equal((await sesBounce(product, 'queue', 'pause')).code, 0)
    assertTheirs()
  })

  it('own all files of an earlier run as root, folder too, from the next start on', async () => {
    await product.haraka.stop()
    assert.equal((await sesBounce(product, 'queue', 'resume')).code, 0)
    const root = path.join(product.haraka.dir, 'ses-bounce')
    for (const name of ['.', ...readdirSync(root, { recursive: true, encoding: 'utf8' })])
      chownSync(path.join(root, name), 0, 0)
    const again = await startFlow({
      rules: `[held]\nrecipient = held@yours.example\naction = quarantine\n\n${BOUNCE_ALL}`,
      localSes: product.ses,
      haraka: { ...THEIRS, dir: product.haraka.dir },
    })
    product = { ...again, stop: stopAll(again, product) }
    assertTheirs()
    const { mail } = await relay(product, { to: ['held@yours.example', 'user@yours.example'] })
    assert.equal(keptOf(product, mail).length, 1)
    await bounceOf(product, mail)
  })

  it('are not given what lies behind a link: Haraka does not start, and says which link', async () => {
    await product.haraka.stop()
    const { dir } = product.haraka
    // a connection that is closed removes its -wal file, and a link in its place; a process that is killed leaves it
    await until(() => !processes().some(({ pid }) => holdsOpen(pid, dir)), { what: 'the queue to be closed' })
    const shadow = path.join(dir, 'shadow')
    writeFileSync(shadow, 'secret', { mode: 0o600 })
    for (const name of ['queue.sqlite-wal', 'quarantine/x.eml', 'last-good.json']) {
      const link = path.join(dir, 'ses-bounce', name)
      rmSync(link, { force: true })
      symlinkSync(shadow, link)
      const { code, log } = await expectBootFailure({ ...THEIRS, dir, plugins: ['ses-bounce', 'probe'] })
      assert.equal(code, 1)
      assert.match(log.join('\n'), new RegExp(`${link} is a link, and links are refused here`))
      assert.deepEqual([statSync(shadow).uid, readFileSync(shadow, 'utf8')], [0, 'secret'])
      rmSync(link)
    }
  })
})

/** The first one has the emulator and the directory. */
function stopAll(again: Product, first: Product): () => Promise<void> {
  return async () => {
    await again.haraka.stop()
    await first.stop()
  }
}

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'only root can start processes as another user'
  if (!othersCanReadCheckout()) return 'other users may not read the checkout'
  if (idIn('/etc/passwd', 'nobody') === undefined) return 'there is no user nobody here'
  if (idIn('/etc/group', 'nogroup') === undefined) return 'there is no group nogroup here'
  return undefined
}

/** passwd(5), group(5). */
function idIn(database: string, name: string): number | undefined {
  const line = readFileSync(database, 'utf8')
    .split('\n')
    .find(entry => entry.startsWith(`${name}:`))
  return line === undefined ? undefined : Number(line.split(':')[2])
}
