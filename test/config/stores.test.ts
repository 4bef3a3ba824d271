// [queue] and [quarantine] for several hosts: a database, its password, and a bucket.

import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { openConfiguration } from '../../src/config/configuration'
import { withoutHidden } from '../../src/config/hidden-values'
import { loadSettings, parseSettings, SETTINGS_FILE } from '../../src/config/load'
import { restorerFor } from '../../src/config/restore'
import { withoutSecrets, withPassword } from '../../src/config/secret'
import { placeFor, targetFor } from '../../src/queue/target'
import { temporaryFolder } from '../queue/support'

const URL = 'postgres://bounces@db.example.com/mail'
const S3 = '[quarantine]\nstore = s3://bounces/mail\n'
const HELD = 'hunter2-hunter2'

function load(text: string, env: Record<string, string> = {}) {
  return loadSettings(parseSettings(text), env)
}

/** The settings of [queue] in a right file. */
function queueOf(lines: string, env: Record<string, string> = {}) {
  const { settings, diagnostics } = load(`[queue]\nstore = postgres\n${lines}\n${S3}`, env)
  assert.deepEqual(diagnostics, [], lines)
  const { queue } = settings
  assert.ok(queue.store === 'postgres')
  return queue
}

/** The first fault of a file. */
function faultOf(text: string, env: Record<string, string> = {}): string | undefined {
  return load(text, env).diagnostics.find(({ severity }) => severity === 'error')?.message
}

describe('a queue in a database', () => {
  it('has a place of its own, and the rest as it is with a file', () => {
    const queue = queueOf(`url = ${URL}`)
    const place = placeFor({ ...queue, hostName: 'web-1' }, '/haraka')
    assert.deepEqual(place, {
      store: 'postgres',
      host: 'db.example.com',
      port: 5432,
      user: 'bounces',
      database: 'mail',
      schema: 'ses_bounce',
      connections: 2,
      timeoutMs: 2000,
      migrates: 'boot',
      hostName: 'web-1',
    })
    assert.equal(queue.keepMs, load('').settings.queue.keepMs)
  })

  it('takes every key, and finds its certificates in the config directory', () => {
    const queue = queueOf(
      `url = POSTGRESQL://b%40unces@[2001:DB8::1]:6432/my%20mail
password = file:/run/secrets/db
ca = rds/bundle.pem
schema = bounces_2
connections = 20
timeout = 100ms
migrate = By Hand
host = web-7.{hostname}`,
    )
    const target = targetFor({ ...queue, hostName: 'web-7' }, '/haraka')
    assert.deepEqual(
      { ...target },
      {
        store: 'postgres',
        host: '2001:DB8::1',
        port: 6432,
        user: 'b@unces',
        database: 'my mail',
        password: 'file:/run/secrets/db',
        ca: '/haraka/config/rds/bundle.pem',
        schema: 'bounces_2',
        connections: 20,
        timeoutMs: 100,
        migrates: 'by hand',
        hostName: 'web-7',
      },
    )
    const place = placeFor(queue, '/haraka')
    assert.match(place.store === 'postgres' ? place.hostName : '', /^web-7\.[A-Za-z0-9._-]+$/)
  })

  it('is refused with any other URL, and a password in it is shown nowhere', () => {
    for (const url of [
      'db.example.com',
      'mysql://bounces@db.example.com/mail',
      'postgres://bounces@db.example.com',
      'postgres://bounces@db.example.com/',
      'postgres://bounces@db.example.com/mail/more',
      'postgres://bounces@db.example.com:0/mail',
      'postgres://bounces@db.example.com:70000/mail',
      'postgres://bounces@one.example.com,two.example.com/mail',
      'postgres://@db.example.com/mail',
      'postgres://bounces@/mail',
      'postgres://bounces@db.example.com/%00',
      'postgres://bounces@db.example.com/%zz',
      'postgres://bounces@db example com/mail',
    ])
      assert.match(faultOf(`[queue]\nstore = postgres\nurl = ${url}\n`) ?? '', /unknown value/, url)
    for (const url of [
      `postgres://bounces:${HELD}@db.example.com/mail`,
      `postgres://:${HELD}@db.example.com/mail`,
      `postgres://bounces:${HELD}@x@db.example.com/mail`,
      `mysql://bounces:${HELD}@db.example.com/mail?x=y`,
      `postgres://bounces@db.example.com/mail?password=${HELD}`,
    ]) {
      const { diagnostics } = load(`[queue]\nstore = postgres\nurl = ${url}\n`)
      assert.match(JSON.stringify(diagnostics), /must not hold/, url)
      assert.doesNotMatch(JSON.stringify(diagnostics), /hunter2/, url)
    }
  })

  it('takes its password from a file, a variable, AWS or the settings', () => {
    const passwordOf = (line: string, env = {}) => queueOf(`url = ${URL}\n${line}`, env).password
    assert.equal(passwordOf('password = env:PGPASSWORD', { PGPASSWORD: `${HELD};x` }), `${HELD};x`)
    assert.equal(passwordOf('password = a, b\\; c ; mine'), 'a, b; c')
    assert.equal(passwordOf('password = file:/run/secrets/db'), 'file:/run/secrets/db')
    assert.equal(passwordOf('password = AWS-IAM'), 'aws-iam')
    assert.equal(passwordOf('password ='), undefined)
  })

  it('shows no line of its section that could hold the password', () => {
    for (const lines of [
      `password ${HELD}`,
      `pasword = ${HELD}`,
      `password = a\\\n${HELD} = x`,
      `password = ${HELD}\npassword = ${HELD}`,
    ]) {
      const { diagnostics } = load(`[queue]\nstore = postgres\nurl = ${URL}\n${lines}\n`)
      assert.doesNotMatch(JSON.stringify(diagnostics), /hunter2/, lines)
    }
    assert.doesNotMatch(JSON.stringify(load(`[queue] password = ${HELD}\n`).diagnostics), /hunter2/)
  })

  it('is hidden in logs where a variable names it', () => {
    const env = { DATABASE: 'postgres://bounces@zqdb.example.net:5433/zqmail', SECRET: 'zqsecret-zqsecret' }
    queueOf('url = env:DATABASE\npassword = env:SECRET', env)
    for (const [text, shown] of [
      ['zqdb.example.net:5433/zqmail: no answer within 2000 ms', '[queue] url: no answer within 2000 ms'],
      ['getaddrinfo ENOTFOUND zqdb.example.net', 'getaddrinfo ENOTFOUND [queue] url'],
      ['refused zqsecret-zqsecret', 'refused [queue] password'],
    ] as const)
      assert.equal(withoutHidden(text), shown)
    queueOf(`url = ${URL}\npassword = zqplain-zqplain`)
    assert.equal(withoutHidden('it has zqplain-zqplain'), 'it has [queue] password')
  })
})

describe('a password of the database', () => {
  const withLine = (line: string) =>
    `[main]\nmode = observe\n[queue]\nstore = postgres\n${line}\nurl = ${URL}\n`

  it('is kept out of the saved copy, unless its line only says where it is', () => {
    for (const line of [
      `password = ${HELD}`,
      `password = ${HELD} ; mine`,
      `password = hun\\\n; between\nter2-${HELD}`,
    ])
      assert.doesNotMatch(withoutSecrets(withLine(line)), /hunter2|ter2/, line)
    for (const line of [
      'password = env:PGPASSWORD',
      'password = file:/run/db',
      'password = aws-iam',
      'password =',
    ])
      assert.equal(withoutSecrets(withLine(line)), withLine(line))
  })

  it('is taken from the file as it is now', () => {
    const saved = withoutSecrets(withLine(`password = ${HELD}`))
    const now = `[nonsense\n[queue]\npassword = another one ; new\nretry = soon\n`
    const { settings, diagnostics } = load(withPassword(saved, now) + S3)
    assert.deepEqual(diagnostics, [])
    assert.equal(settings.queue.store === 'postgres' && settings.queue.password, 'another one')
    assert.equal(withPassword(saved, ''), saved)
    assert.equal(load(saved + S3).diagnostics.length, 0)
    assert.equal(withPassword(withLine('password = env:X'), now), withLine('password = env:X'))
  })

  it('is there for a process that starts while the files have errors', () => {
    const { folder, remove } = temporaryFolder()
    try {
      mkdirSync(path.join(folder, 'config'))
      const file = path.join(folder, 'config', SETTINGS_FILE)
      const open = (keepsSnapshot: boolean) => {
        const configuration = openConfiguration({
          configDir: path.join(folder, 'config'),
          compile: sources => {
            const { settings, diagnostics } = load(sources.read(SETTINGS_FILE) ?? '')
            return { value: settings, diagnostics }
          },
          snapshotFile: path.join(folder, 'last-good.json'),
          keepsSnapshot,
          kept: (_, text) => withoutSecrets(text),
          restored: restorerFor(path.join(folder, 'config')),
          fallsBack: !keepsSnapshot,
          log: () => undefined,
        })
        configuration.stop()
        return configuration.current()
      }
      writeFileSync(file, withLine(`password = ${HELD}`))
      open(true)
      assert.doesNotMatch(readFileSync(path.join(folder, 'last-good.json'), 'utf8'), /hunter2/)
      writeFileSync(file, `${withLine(`password = ${HELD}`)}[main]\nmode = wrong\n`)
      const { main, queue } = open(false)
      assert.deepEqual([main.mode, queue.store === 'postgres' && queue.password], ['observe', HELD])
    } finally {
      remove()
    }
  })
})

describe('[quarantine] store', () => {
  const storeOf = (text: string) => load(`[quarantine]\nstore = ${text}\n`).settings.quarantine.store

  it('is a folder, or a bucket with a prefix or without', () => {
    assert.equal(storeOf('Folder'), 'folder')
    for (const [text, prefix] of [
      ['s3://my.bounces-1', ''],
      ['s3://my.bounces-1/', ''],
      ['S3://my.bounces-1/a/b_c!/', 'a/b_c!'],
    ] as const)
      assert.deepEqual(storeOf(text), { bucket: 'my.bounces-1', prefix }, text)
  })

  it('is no bucket that S3 would not have, and no prefix with odd parts', () => {
    for (const text of [
      's3://',
      's3:/bounces',
      's3://ab',
      's3://a..b',
      's3://192.0.2.1',
      's3://Bounces',
      's3://-bounces',
      's3://bounces/a//b',
      's3://bounces/../a',
      's3://bounces/a?b',
      `s3://bounces/${'a'.repeat(901)}`,
      'https://bounces.s3.amazonaws.com',
    ])
      assert.match(faultOf(`[quarantine]\nstore = ${text}\n`) ?? '', /unknown value/, text)
  })
})
