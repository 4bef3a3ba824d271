// Haraka is killed while it delivers: whichever worker takes the queued mail over, its sender gets one bounce.

import assert from 'node:assert/strict'
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { SesEmulator } from '../../../src/ses-emulator/options'
import { startSesEmulator } from '../../../src/ses-emulator/server'
import {
  dsnRecipients,
  type MovableServer,
  ONE_MORE_TRY,
  queued,
  send,
  startDelivery,
  startMovableServer,
  untilDelivered,
} from '../support/delivery'
import { bounceOf, callsFor, recipientsOf as recipientsIn } from '../support/flow'
import type { SesMail } from '../support/mail'
import { type MailServer, startMailServer } from '../support/mail-server'
import { killIfAlive } from '../support/processes'
import type { Product } from '../support/product'
import { until } from '../support/wait'

describe('after a kill, a delivery that the server refuses', function () {
  let product: Product
  let ses: SesEmulator
  let server: MovableServer
  let origin: MailServer
  before(async function () {
    if (!existsSync('/proc/self/stat')) return this.skip()
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
    server = await startMovableServer()
    origin = await startMailServer()
  })
  afterEach(() => product?.stop())
  after(async () => {
    for (const one of [ses, server, origin]) await one?.close()
  })

  async function start(dir?: string): Promise<void> {
    product = await startDelivery({
      localSes: ses,
      outbound: ONE_MORE_TRY,
      plugins: ['ses-bounce', 'probe', 'stuck'],
      files: {
        'plugins/stuck.js': STUCK,
        // Haraka delivers as soon as it has started
        'config/routes.json': JSON.stringify({ 'yours.example': server.port, 'origin.example': origin.port }),
      },
      haraka: { nodes: 2, ready: 'dispatching', ...(dir !== undefined && { dir }) },
    })
  }

  async function killAndStart(): Promise<void> {
    for (const { pid } of product.haraka.family()) killIfAlive(pid, 'SIGKILL')
    await product.haraka.stop()
    await start(product.haraka.dir)
  }

  it('between our job and the end of its mail in the queue of Haraka, is bounced once', async () => {
    await start()
    const stuck = path.join(product.haraka.dir, 'stuck')
    writeFileSync(stuck, '')
    server.refuse.rcpt.set('twice@yours.example', '550 5.1.1 No such user')
    const { mail } = await send(product, { to: ['twice@yours.example'] })
    await product.haraka.waitForLog('Not sending bounce')
    // its call isn't what is killed here
    await bounceOf(product, mail)
    assert.equal(queued(product).length, 1)
    rmSync(stuck)
    const tries = server.tries()
    await killAndStart()
    await untilDelivered(product)
    assert.equal(server.tries(), tries + 1)
    await bounceOf(product, mail)
    assert.equal(product.jobs({ sesId: mail.sesId }).length, 1)
    assert.deepEqual(dsnRecipients(origin), [])
  })

  it('before its first refusal, is bounced by the worker that continues it', async () => {
    await start()
    server.refuse.rcpt.set('later@yours.example', '451 4.7.1 Come back')
    const { mail } = await send(product, { to: ['later@yours.example'] })
    await product.haraka.waitForLog('Temp failing')
    await until(() => queued(product).some(name => /^\d+_\d+_1_/.test(name)), {
      what: 'the mail to be put off',
    })
    server.refuse.rcpt.set('later@yours.example', '550 5.1.1 No such user')
    await killAndStart()
    await untilDelivered(product)
    const { BouncedRecipientInfoList: [info] = [] } = await bounceOf(product, mail)
    assert.equal(info?.RecipientDsnFields?.DiagnosticCode, 'smtp; 550 5.1.1 No such user')
    assert.deepEqual(dsnRecipients(origin), [])
  })
})

describe('a burst of mail in part for recipients whom the server refuses', function () {
  const MAILS = 25
  const isBad = (address: string) => address.startsWith('bad')
  const recipientsOf = (mail: number) =>
    ['good-1', 'bad-1', 'good-2', 'bad-2'].map(name => `${name}-${mail}@yours.example`)
  let product: Product
  let ses: SesEmulator
  let server: MailServer
  let origin: MailServer
  before(async function () {
    if (!existsSync('/proc/self/stat')) return this.skip()
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
    server = await startMailServer({ rcpt: to => (isBad(to) ? '550 5.1.1 No such user' : undefined) })
    origin = await startMailServer()
  })
  after(async () => {
    await product?.stop()
    for (const one of [ses, server, origin]) await one?.close()
  })

  async function start(dir?: string): Promise<void> {
    product = await startDelivery({
      localSes: ses,
      outbound: ONE_MORE_TRY,
      files: {
        'config/routes.json': JSON.stringify({ 'yours.example': server.port, 'origin.example': origin.port }),
      },
      haraka: { nodes: 2, ready: 'dispatching', ...(dir !== undefined && { dir }) },
    })
  }

  it('is bounced once for each of them and delivered to all others, though Haraka is killed meanwhile', async () => {
    await start()
    const sent: SesMail[] = []
    for (let mail = 0; mail < MAILS; mail++) {
      sent.push((await send(product, { to: recipientsOf(mail) })).mail)
      if (mail !== MAILS - 1 && mail % 8 !== 7) continue
      for (const { pid } of product.haraka.family()) killIfAlive(pid, 'SIGKILL')
      await product.haraka.stop()
      await start(product.haraka.dir)
    }
    await untilDelivered(product)
    for (const [index, mail] of sent.entries()) {
      const bad = recipientsOf(index).filter(isBad)
      const jobs = product.jobs({ sesId: mail.sesId })
      assert.deepEqual(
        jobs.flatMap(({ recipients }) => recipients.map(({ address }) => address)).toSorted(),
        bad,
      )
      // a call whose outcome a kill hides is made again
      const called = (await callsFor(product, mail)).flatMap(({ input }) =>
        input ? recipientsIn(input) : [],
      )
      assert.deepEqual([...new Set(called)].toSorted(), bad)
      const delivered = server.accepted
        .filter(({ data }) => data.includes(mail.sesId))
        .flatMap(({ to }) => to)
      assert.deepEqual(
        [...new Set(delivered)].toSorted(),
        recipientsOf(index).filter(to => !isBad(to)),
      )
    }
    assert.deepEqual(dsnRecipients(origin), [])
  })
})

/** While the file is there, Haraka doesn't come to the end of a delivery. */
const STUCK = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, 'stuck')

exports.register = function () {
  const { HMailItem } = this.haraka_require('outbound')
  const { discard } = HMailItem.prototype
  HMailItem.prototype.discard = function () {
    if (!fs.existsSync(file)) discard.call(this)
  }
}
`
