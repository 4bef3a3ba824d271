// The status page of a Haraka with two workers: each shows what all have done, and what is done there is done.

import assert from 'node:assert/strict'
import http from 'node:http'
import { freePort } from './support/directory'
import { noted, relay, startFlow } from './support/flow'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

const TOKEN = 'a-token-for-live-tests'
const OURS = { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }

describe('the status page of a Haraka with two workers', () => {
  let product: Product
  let port: number

  before(async () => {
    port = await freePort()
    product = await startFlow({
      rules: BOUNCE_ALL,
      ini: { http: { token: TOKEN } },
      files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
      haraka: { nodes: 2 },
    })
  })
  after(() => product?.stop())

  interface Answer {
    status: number | undefined
    headers: http.IncomingHttpHeaders
    text: string
  }

  /** Over a connection of its own: the workers take turns. */
  function ask(path: string, headers: http.OutgoingHttpHeaders = {}, form?: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const method = form === undefined ? 'GET' : 'POST'
      http
        .request({ port, path: `/ses-bounce${path}`, method, agent: false, headers }, response => {
          let text = ''
          response.setEncoding('utf8').on('data', (part: string) => {
            text += part
          })
          response.once('end', () =>
            resolve({ status: response.statusCode, headers: response.headers, text }),
          )
        })
        .once('error', reject)
        .end(form)
    })
  }

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
})
