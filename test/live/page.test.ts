// The status page of a Haraka with two workers: each shows what all have done, and what is done there is done.

import assert from 'node:assert/strict'
import type http from 'node:http'
import { noted, relay } from './support/flow'
import { askHttp, startServed, TOKEN, webServers } from './support/http'
import { BOUNCE_ALL, iniText, type Product } from './support/product'
import { change, changeInVain } from './support/reload'
import { until } from './support/wait'

const OURS = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }

describe('the status page of a Haraka with two workers', () => {
  let product: Product
  let port: number

  before(async () => {
    ;({ product, port } = await startServed(BOUNCE_ALL))
  })
  after(() => product?.stop())

  const ask = (path: string, headers?: http.OutgoingHttpHeaders, form?: string) =>
    askHttp(port, path, headers, form)

  async function session(): Promise<{ cookie: string }> {
    const { status, headers } = await ask('/session', OURS, `token=${TOKEN}`)
    assert.equal(status, 303)
    return { cookie: (headers['set-cookie']?.[0] ?? '').split(';', 1)[0] ?? '' }
  }

  it('shows what both have decided and the dispatcher has sent, by one session with either', async () => {
    const mine = await session()
    let mails = 0
    const pids = () => new Set(noted(product.haraka).map(({ pid }) => pid)).size
    while (pids() < 2) {
      const { reply } = await relay(product, { sender: `someone${mails}@origin.example` })
      assert.equal(reply.code, 250)
      mails += 1
    }
    await until(
      async () => {
        const { text } = await ask('/', mine)
        const hits = new RegExp(`unknown-mailbox</th><td[^>]*>${mails}<`)
        return text.includes(`aria-label="${mails} sent"`) && hits.test(text)
      },
      { what: `${mails} mails on the page` },
    )
    for (let n = 0; n < 4; n++) {
      const { text } = await ask('/', mine)
      assert.match(text, /All is well\./)
      assert.match(text, /user@yours\.example/)
      assert.doesNotMatch((await ask('/')).text, /user@yours\.example/)
    }
  })

  it('pauses a region, holds a job of it and cancels it, whichever worker is asked', async () => {
    const mine = { ...OURS, ...(await session()) }
    assert.equal((await ask('/pause', mine, 'region=eu-west-1')).status, 303)
    const { mail } = await relay(product, { sender: 'held@origin.example' })
    const found = await ask(`/search?q=${mail.sesId}`, mine)
    const id = /\/jobs\/(\w+)"/.exec(found.text)?.[1] ?? assert.fail(found.text)
    for (const [word, state] of [
      ['hold', 'held'],
      ['cancel', 'cancelled'],
    ] as const) {
      assert.equal((await ask(`/jobs/${id}/${word}`, OURS, '')).status, 401)
      assert.equal((await ask(`/jobs/${id}/${word}`, mine, '')).status, 303)
      assert.match((await ask(`/jobs/${id}`, mine)).text, new RegExp(`Job ${id} <span[^>]*>${state}<`))
    }
    assert.match((await ask('/')).text, /Paused by hand: eu-west-1/)
    assert.equal((await ask('/resume', mine, 'region=eu-west-1')).status, 303)
    assert.match((await ask('/')).text, /All is well\./)
  })
  describe('when its token changes', () => {
    const NEW = 'another-token-for-live-tests'
    let mine: { cookie: string }
    const withToken = (token: string) => iniText({ http: { token } }, product.ses.url)
    const bearing = (token: string) => ({ authorization: `Bearer ${token}` })
    /** The API, metrics and the pages that aren't for everybody, each asked so often that both workers were. */
    async function statuses(headers: http.OutgoingHttpHeaders): Promise<(number | undefined)[]> {
      const paths = ['/v1/bounces', '/metrics', '/search?q=x']
      const answers = await Promise.all([...paths, ...paths].map(where => ask(where, headers)))
      return [...new Set(answers.map(({ status }) => status))]
    }
    before(async () => {
      mine = await session()
    })

    it('accepts the new one in every worker, and neither the old one nor its sessions', async () => {
      assert.deepEqual(await statuses(bearing(TOKEN)), [200])
      assert.equal((await ask('/search?q=x', mine)).status, 200)
      await change(product, 'ses-bounce.ini', withToken(NEW))
      assert.deepEqual(await statuses(bearing(TOKEN)), [401])
      assert.deepEqual(await statuses(mine), [401])
      assert.deepEqual(await statuses(bearing(NEW)), [200])
      assert.equal((await ask('/session', OURS, `token=${TOKEN}`)).status, 401)
    })

    it('keeps the old one if the configuration has errors, also in a worker that starts later', async () => {
      await changeInVain(product, 'ses-bounce.ini', withToken('short'))
      assert.deepEqual(await statuses(bearing(NEW)), [200])
      const [killed = 0] = product.haraka.workers()
      product.haraka.kill(killed, 'SIGKILL')
      await webServers(product.haraka, 3)
      assert.deepEqual(await statuses(bearing(NEW)), [200])
      for (const word of ['short', NEW])
        assert.doesNotMatch(product.haraka.log().join('\n'), new RegExp(`token.*${word}`))
    })

    it('is off without one: nothing is answered but numbers, and nothing can be done', async () => {
      await change(product, 'ses-bounce.ini', withToken(''))
      assert.deepEqual(await statuses(bearing(NEW)), [401])
      for (let n = 0; n < 4; n++) {
        assert.match((await ask('/v1/bounces', bearing(NEW))).text, /"API_OFF"/)
        const { status, text } = await ask('/', bearing(NEW))
        assert.equal(status, 200)
        assert.match(text, /Read-only: there is no \[http\] token/)
        assert.doesNotMatch(text, /origin\.example|yours\.example/)
        assert.equal((await ask('/pause', { ...OURS, ...bearing(NEW) }, 'region=')).status, 401)
      }
    })
  })
})
