// Deliveries that Haraka tries again: when it gives up, when the time for a bounce is nearly over, and when a failed delivery
// can't be decided at once.

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import {
  dsnRecipients,
  type MovableServer,
  ONE_MORE_TRY,
  queued,
  route,
  send,
  startDelivery,
  startMovableServer,
  UNDELIVERABLE,
  untilDelivered,
} from '../support/delivery'
import { bounceOf, callsFor, keptOf, type RelayOptions } from '../support/flow'
import type { SesMail } from '../support/mail'
import { type MailServer, startMailServer, startTalkingServer } from '../support/mail-server'
import { freePort } from '../support/ports'
import type { Product } from '../support/product'
import { until } from '../support/wait'

let server: MovableServer
/** Where Haraka's own DSN goes. */
let origin: MailServer
/** The port of a server that isn't there. */
let noServer = 0
before(async () => {
  server = await startMovableServer()
  origin = await startMailServer()
  noServer = await freePort()
})
after(async () => {
  await server.close()
  await origin.close()
})

/** Haraka's outbound/qfile.js: the third number is that of the tries so far. */
const isPutOff = (name: string) => /^\d+_\d+_1_/.test(name)

const routes = (port: number) => ({ 'yours.example': port, 'origin.example': origin.port })

async function infoOf(product: Product, mail: SesMail) {
  const { BouncedRecipientInfoList: [info] = [] } = await bounceOf(product, mail)
  const { Status, DiagnosticCode } = info?.RecipientDsnFields ?? {}
  return { type: info?.BounceType, status: Status, diagnostic: DiagnosticCode }
}

describe('a delivery that Haraka has tried as often as it may', function () {
  let product: Product
  before(async () => {
    product = await startDelivery({})
  })
  afterEach(() => assert.deepEqual(dsnRecipients(origin), []))
  after(() => product.stop())

  async function sent(port: number, to: string, options: RelayOptions = {}): Promise<SesMail> {
    route(product, routes(port))
    const { mail } = await send(product, { to: [to], ...options })
    await untilDelivered(product)
    return mail
  }

  it('is bounced with the last answer of the server', async () => {
    server.refuse.rcpt.set('greylisted@yours.example', '451 4.7.1 Greylisted, please come back')
    assert.deepEqual(await infoOf(product, await sent(server.port, 'greylisted@yours.example')), {
      type: 'TemporaryFailure',
      status: '4.7.1',
      diagnostic: 'smtp; 451 4.7.1 Greylisted, please come back',
    })
  })

  it('is bounced as too late, and not as a mailbox that does not exist, where there was no server', async () => {
    const { type, status, diagnostic } = await infoOf(product, await sent(noServer, 'nobody@yours.example'))
    assert.deepEqual([type, status], ['TemporaryFailure', '4.4.7'])
    assert.match(diagnostic ?? '', /^smtp; 450 4\.4\.7 Too many failures/)
  })
})

describe('a delivery whose next try would be too late for a bounce', function () {
  for (const window of ['answered', 'bounce', 'keep'] as const) {
    describe(`with [delivery] window = ${window}`, () => {
      let product: Product
      before(async () => {
        product = await startDelivery({
          outbound: 'temp_fail_intervals=1h\n',
          ini: { delivery: { window }, window: { length: '1h', margin: '1m' } },
        })
      })
      after(() => product.stop())

      async function sent(port: number, to: string, options: RelayOptions = {}): Promise<SesMail> {
        const since = product.haraka.log().length
        route(product, routes(port))
        const { mail } = await send(product, { to: [to], ...options })
        await product.haraka.waitForLog(/Temp failing|Not deferring/, { since })
        return mail
      }

      async function assertBounced(mail: SesMail, status: string): Promise<void> {
        assert.equal((await infoOf(product, mail)).status, status)
        await untilDelivered(product)
      }

      async function assertTriedAgain(mail: SesMail): Promise<void> {
        await until(() => queued(product).some(isPutOff), { what: 'the mail to be put off' })
        assert.equal(queued(product).length, 1)
        assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
        for (const name of queued(product)) rmSync(path.join(product.haraka.dir, 'queue', name))
      }

      const assertEnd = (isBounced: boolean, mail: SesMail, status: string) =>
        isBounced ? assertBounced(mail, status) : assertTriedAgain(mail)

      it('is bounced or tried again as the setting says when the server answered for the recipient', async () => {
        server.refuse.rcpt.set('later@yours.example', '452 4.2.2 Mailbox full for now')
        await assertEnd(window !== 'keep', await sent(server.port, 'later@yours.example'), '4.2.2')
      })

      it('is bounced or tried again as the setting says when the server answered at the end of the data', async () => {
        server.refuse.dot.set('dot-later@yours.example', '451 4.3.0 Come back')
        await assertEnd(window !== 'keep', await sent(server.port, 'dot-later@yours.example'), '4.3.0')
      })

      it('is tried again, or bounced if the setting says so, when nobody answered', async () => {
        await assertEnd(window === 'bounce', await sent(noServer, 'offline@yours.example'), '4.4.7')
      })

      it('is tried again, or bounced if the setting says so, when the server refused at its greeting', async () => {
        const talking = await startTalkingServer(() => '421 4.3.2 Shutting down')
        const mail = await sent(talking.port, 'greeting@yours.example')
        await talking.close()
        await assertEnd(window === 'bounce', mail, '4.3.2')
      })

      it('is tried again when no bounce could be made', async () => {
        server.refuse.rcpt.set('unproved@yours.example', '451 4.7.1 Come back')
        const mail = await sent(server.port, 'unproved@yours.example', { spf: 'fail', dkim: [], dmarc: null })
        await assertTriedAgain(mail)
        assert.deepEqual(keptOf(product, mail), [])
      })

      it('is tried again when the time for a bounce is over already', async () => {
        server.refuse.rcpt.set('old@yours.example', '451 4.7.1 Come back')
        const receivedAt = new Date(Date.now() - 3_600_000)
        await assertTriedAgain(await sent(server.port, 'old@yours.example', { receivedAt }))
      })
    })
  }

  it('is tried again as long as there is time', async () => {
    const product = await startDelivery({ outbound: ONE_MORE_TRY })
    try {
      route(product, routes(server.port))
      server.refuse.rcpt.set('early@yours.example', '451 4.7.1 Greylisted')
      const { mail } = await send(product, { to: ['early@yours.example'] })
      await product.haraka.waitForLog('Temp failing')
      server.refuse.rcpt.delete('early@yours.example')
      await untilDelivered(product)
      assert.ok(server.accepted.some(({ data }) => data.includes(mail.sesId)))
      assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    } finally {
      await product.stop()
    }
  })
})

describe('a delivery that failed permanently when the window is over', () => {
  it("gets Haraka's own DSN", async () => {
    const product = await startDelivery({})
    try {
      route(product, routes(server.port))
      server.refuse.rcpt.set('expired@yours.example', '550 5.1.1 No such user')
      const receivedAt = new Date(Date.now() - 25 * 3_600_000)
      const { mail } = await send(product, { to: ['expired@yours.example'], receivedAt })
      await untilDelivered(product)
      assert.deepEqual(dsnRecipients(origin), ['expired@yours.example'])
      assert.deepEqual(await callsFor(product, mail), [])
      origin.accepted.length = 0
    } finally {
      await product.stop()
    }
  })
})

describe('a failed delivery that cannot be decided', function () {
  let product: Product
  before(async () => {
    product = await startDelivery({
      outbound: ONE_MORE_TRY,
      rules: `[later]\nrefused.stage = delivery\nenvelope.recipient = defer*@*\naction = defer\n\n${UNDELIVERABLE}`,
      plugins: ['ses-bounce', 'probe', 'slow'],
      // a third of it is left to Haraka
      files: { 'plugins/slow.js': SLOW, 'config/plugin_timeout': '6' },
    })
    route(product, routes(server.port))
  })
  after(() => product.stop())

  /** No write to the queue file until the log has that line. */
  async function withLockedQueue<T>(work: () => Promise<T>, line: string): Promise<T> {
    const since = product.haraka.log().length
    const database = new Database(product.queueFile, { busyMs: 5000, create: false })
    database.run('BEGIN IMMEDIATE')
    try {
      const done = await work()
      await product.haraka.waitForLog(line, { since })
      return done
    } finally {
      database.run('COMMIT')
      database.close()
    }
  }

  async function refused(to: string): Promise<SesMail> {
    server.refuse.rcpt.set(to, '550 5.1.1 No such user')
    return (await send(product, { to: [to] })).mail
  }

  it('as the queue is locked is tried again, and bounced once', async () => {
    const mail = await withLockedQueue(() => refused('locked-1@yours.example'), 'tried again later')
    await until(() => product.jobs({ sesId: mail.sesId }).length === 1, { what: 'the job' })
    await untilDelivered(product)
    await bounceOf(product, mail)
    assert.deepEqual(dsnRecipients(origin), [])
  })

  it("as the queue is locked to the last try gets Haraka's own DSN", async () => {
    const mail = await withLockedQueue(() => refused('locked-2@yours.example'), 'no try is left')
    await untilDelivered(product)
    assert.deepEqual(dsnRecipients(origin), ['locked-2@yours.example'])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    origin.accepted.length = 0
  })

  it("as a rule defers it is tried again, and gets Haraka's own DSN at the end", async () => {
    const since = product.haraka.log().length
    const mail = await refused('defer-1@yours.example')
    await product.haraka.waitForLog(/tried again later: rule=later action=defer/, { since })
    await untilDelivered(product)
    assert.deepEqual(dsnRecipients(origin), ['defer-1@yours.example'])
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    origin.accepted.length = 0
  })

  it('in the time that Haraka gives a hook is tried again, and bounced once', async () => {
    const slow = path.join(product.haraka.dir, 'slow')
    const since = product.haraka.log().length
    writeFileSync(slow, '')
    const mail = await refused('slow@yours.example')
    await product.haraka.waitForLog('tried again later: it took longer than 4 s', { since })
    assert.deepEqual(product.jobs({ sesId: mail.sesId }), [])
    rmSync(slow)
    await until(() => product.jobs({ sesId: mail.sesId }).length === 1, { what: 'the job' })
    await untilDelivered(product)
    await bounceOf(product, mail)
    assert.deepEqual(dsnRecipients(origin), [])
    assert.ok(!product.haraka.log().some(line => line.includes('timed out on hook')))
  })
})

/** While the file is there, reading a queued mail takes for ever, but for Haraka itself: `data_start` isn't read then. */
const SLOW = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const { PassThrough } = require('node:stream')
const file = path.join(process.env.HARAKA, 'slow')

exports.register = function () {
  const { HMailItem } = this.haraka_require('outbound')
  const { data_stream: read } = HMailItem.prototype
  HMailItem.prototype.data_stream = function () {
    return fs.existsSync(file) ? new PassThrough() : read.call(this)
  }
}
`
