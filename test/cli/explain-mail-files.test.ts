import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import fc from 'fast-check'
import { type MailFile, openMails } from '../../src/cli/explain/mail-files'
import { splitMbox } from '../../src/cli/explain/mbox'
import { emptyDirectory, removeDirectories } from './support'

const MAIL = 'Subject: a\n\nbody\n'

describe('mails to explain', () => {
  afterEach(() => removeDirectories())

  it('are one in a file, byte for byte', async () => {
    const raw = Buffer.from([0, 255, 13, 10, 13, 0])
    assert.deepEqual(await all(file('odd.eml', raw)), { areMany: false, mails: [{ name: 'odd.eml', raw }] })
  })

  it('are one on standard input, or an mbox there', async () => {
    const input = (text: string) => openAll('-', Readable.from([Buffer.from(text)]))
    assert.deepEqual(await input(MAIL), {
      areMany: false,
      mails: [{ name: 'standard input', raw: Buffer.from(MAIL) }],
    })
    assert.deepEqual(shown(await input(`From a\n${MAIL}\nFrom b\n${MAIL}`)), [
      'standard input#1: Subject: a\n\nbody\n',
      'standard input#2: Subject: a\n\nbody\n',
    ])
  })

  it('are those of a folder, sorted, without hidden files and folders, an mbox among them', async () => {
    const dir = emptyDirectory()
    for (const name of ['b.eml', 'a.eml', '.hidden']) writeFileSync(path.join(dir, name), MAIL)
    writeFileSync(path.join(dir, 'c'), `From x\n${MAIL}\nFrom y\nSubject: b\n`)
    mkdirSync(path.join(dir, 'deeper'))
    symlinkSync('a.eml', path.join(dir, 'd'))
    symlinkSync('nowhere', path.join(dir, 'e'))
    const { areMany, mails } = await all(dir)
    assert.equal(areMany, true)
    assert.deepEqual(
      mails.map(({ name }) => name),
      ['a.eml', 'b.eml', 'c#1', 'c#2', 'd'],
    )
  })

  it('that are none say so', async () => {
    const dir = emptyDirectory()
    const told = async (input: string) => {
      const opened = await openMails(input, Readable.from([]))
      return 'fault' in opened ? opened.fault : undefined
    }
    assert.equal(await told(path.join(dir, 'x')), `there is no file or folder ${path.join(dir, 'x')}`)
    assert.equal(await told(dir), `there is no mail in ${dir}`)
    mkdirSync(path.join(dir, 'cur'))
    assert.equal(
      await told(dir),
      `there is no mail in ${dir}; it is a Maildir, whose mails are in cur and new`,
    )
    assert.deepEqual(await all(file('empty.eml', Buffer.alloc(0))), {
      areMany: false,
      mails: [{ name: 'empty.eml', fault: 'is empty' }],
    })
    assert.deepEqual(shown(await openAll('-', Readable.from([]))), ['standard input is empty'])
  })

  it('that are too large, or can not be read, are skipped', async () => {
    const dir = emptyDirectory()
    writeFileSync(path.join(dir, 'a'), Buffer.alloc(64 * 1024 ** 2 + 1, 'x'))
    writeFileSync(path.join(dir, 'b'), MAIL)
    const broken = new Readable({
      read: () => broken.destroy(Object.assign(new Error('gone'), { code: 'EIO' })),
    })
    assert.deepEqual(shown(await all(dir)), ['a is larger than 64 MB', `b: ${MAIL}`])
    assert.deepEqual(shown(await openAll('-', broken)), ["standard input can't be read (EIO)"])
    if (process.getuid?.() === 0) return
    chmodSync(path.join(dir, 'a'), 0o000)
    assert.deepEqual(shown(await all(dir)), ["a can't be read (EACCES)", `b: ${MAIL}`])
  })
})

describe('an mbox', () => {
  it('is split at From lines behind empty lines only', async () => {
    assert.deepEqual(await split('From a\nA: b\n\nbody\nFrom here\n\nFrom b\r\n\r\nFrom c\nC: d\n'), [
      'A: b\n\nbody\nFrom here\n',
      '',
      'C: d\n',
    ])
  })

  it('has one > taken from its quoted From lines', async () => {
    assert.deepEqual(await split('From a\nA: b\n\n>From x\n>>From y\n> From z\n>Fromage\n'), [
      'A: b\n\nFrom x\n>From y\n> From z\n>Fromage\n',
    ])
  })

  it('is the same in whatever pieces it comes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom('From a\n', '>From b\n', '\n', 'A: b\n', 'body\r\n', '\r\n', 'x'), {
          maxLength: 40,
        }),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 }),
        async (lines, sizes) => {
          const text = `From a\n${lines.join('')}`
          const whole = await split(text)
          assert.deepEqual(await split(text, sizes), whole)
          assert.deepEqual(await split(mboxOf(whole)), whole.map(ended), 'written as mboxrd and read again')
        },
      ),
    )
  })

  it('is read no further than the mail that is asked for', async () => {
    let given = 0
    async function* endless() {
      for (;;) {
        given++
        yield Buffer.from('From a\nA: b\n\n')
      }
    }
    const mails = splitMbox(endless(), 1e6)
    for (let i = 0; i < 3; i++) await mails.next()
    await mails.return(undefined)
    assert.equal(given, 4)
  })

  it('has its other mails read where one is too large, with lines of any length', async () => {
    const [line, small] = ['x'.repeat(100_000), 'A: b\n']
    const box = `From a\n${small}\nFrom b\n${line}${line}\n\nFrom c\n${small}\nFrom d\n${line}`
    async function* pieces() {
      for (let at = 0; at < box.length; at += 30_000) yield Buffer.from(box.slice(at, at + 30_000))
    }
    const found = []
    for await (const one of splitMbox(pieces(), 150_000)) found.push(one)
    const raw = (text: string) => ({ raw: Buffer.from(text) })
    assert.deepEqual(found, [raw(small), { isTooLarge: true }, raw(small), raw(line)])
  })
})

async function split(text: string, sizes: readonly number[] = [1e6]): Promise<string[]> {
  async function* pieces() {
    let at = 0
    for (let i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length] ?? 1
      yield Buffer.from(text.slice(at, at + size))
      at += size
    }
  }
  const mails: string[] = []
  for await (const found of splitMbox(pieces(), 1e6)) mails.push('raw' in found ? found.raw.toString() : '?')
  return mails
}

/** An mbox has whole lines. */
function ended(mail: string): string {
  return mail === '' || mail.endsWith('\n') ? mail : `${mail}\n`
}

function mboxOf(mails: readonly string[]): string {
  return mails.map(mail => `From x\n${ended(mail).replaceAll(/^(>*From )/gm, '>$1')}\n`).join('')
}

function file(name: string, bytes: Buffer): string {
  const target = path.join(emptyDirectory(), name)
  writeFileSync(target, bytes)
  return target
}

function all(input: string) {
  return openAll(input, Readable.from([]))
}

async function openAll(input: string, stdin: AsyncIterable<Buffer>) {
  const opened = await openMails(input, stdin)
  assert.ok('value' in opened)
  const mails: MailFile[] = []
  for await (const mail of opened.value.mails) mails.push(mail)
  return { areMany: opened.value.areMany, mails }
}

function shown({ mails }: { mails: readonly MailFile[] }): string[] {
  return mails.map(mail =>
    'raw' in mail ? `${mail.name}: ${mail.raw.toString()}` : `${mail.name} ${mail.fault}`,
  )
}
