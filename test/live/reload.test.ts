// The configuration changes while Haraka runs: every process goes by the new one, or by the old one if that is broken.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { bounceOf, deliveredOf, noted, relay, said, startFlow } from './support/flow'
import { askHttp, webServers } from './support/http'
import { freePort } from './support/ports'
import { iniText, type Product } from './support/product'
import { change, changeInVain, linesFromAll, write } from './support/reload'
import { until } from './support/wait'

const RULES = `[unknown]
recipient = *@yours.example
not.recipient = file:mailboxes
action = bounce
bounce.type = DoesNotExist
`

const BROKEN = `[unknown]
recipiant = *@yours.example
action = bounce

[programs]
attachement.name = *.exe
action = bouncing

[unclosed
`

const BROKEN_ERRORS = [
  /ses-bounce-rules\.ini:2: \[unknown\] .*"recipiant".*did you mean "recipient"\?/,
  /ses-bounce-rules\.ini:6: \[programs\] .*"attachement\.name".*did you mean "attachment\.name"\?/,
  /ses-bounce-rules\.ini:7: \[programs\] "action" can't be "bouncing"; valid are accept, bounce/,
  /ses-bounce-rules\.ini:9: \[unclosed\] the section name isn't closed/,
]

describe('a change of the configuration', function () {
  let product: Product
  before(async function () {
    if (!existsSync('/proc/self/stat')) this.skip()
    product = await startFlow({
      rules: RULES,
      files: { 'config/mailboxes': 'user@yours.example\n' },
      haraka: { nodes: 2 },
    })
    await until(() => product.haraka.workers().length === 2, { what: 'both workers' })
  })
  after(() => product?.stop())

  it('of a list takes effect in every worker', async () => {
    assert.deepEqual(await decidedByEachWorker(product, 'new@yours.example'), ['bounce', 'bounce'])
    await change(product, 'mailboxes', 'user@yours.example\nnew@yours.example\n')
    assert.deepEqual(await decidedByEachWorker(product, 'new@yours.example'), ['none', 'none'])
  })

  describe('that is broken', () => {
    let since = 0
    before(async () => {
      since = product.haraka.log().length
      await changeInVain(product, 'ses-bounce-rules.ini', BROKEN)
    })

    it('is refused with every error and its place, each said once', () => {
      const lines = product.haraka.log().slice(since)
      const errors = lines.filter(line => line.includes('[ERROR]') && line.includes('ses-bounce-rules.ini:'))
      for (const error of BROKEN_ERRORS) {
        assert.equal(errors.filter(line => error.test(line)).length, 1, `${error} in\n${errors.join('\n')}`)
      }
    })

    it('changes nothing', async () => {
      assert.deepEqual(await decidedByEachWorker(product, 'list@yours.example'), ['bounce', 'bounce'])
    })

    it('changes nothing for a worker that starts meanwhile either', async () => {
      const [killed = 0] = product.haraka.workers()
      const from = product.haraka.log().length
      product.haraka.kill(killed, 'SIGKILL')
      await product.haraka.waitForLog(/the last good .*in force/, {
        since: from,
      })
      await until(() => product.haraka.workers().filter(pid => pid !== killed).length === 2, {
        what: 'another worker',
      })
      assert.deepEqual(await decidedByEachWorker(product, 'list@yours.example'), ['bounce', 'bounce'])
      assert.ok(!lastPids(product).includes(killed))
    })

    it('is forgotten when it is fixed: the new rules take effect in every worker', async () => {
      const rules = `[list]\nrecipient = list@yours.example\naction = drop\n\n${RULES}`
      await change(product, 'ses-bounce-rules.ini', rules)
      assert.deepEqual(await decidedByEachWorker(product, 'list@yours.example'), ['drop', 'drop'])
      assert.deepEqual(await decidedByEachWorker(product, 'other@yours.example'), ['bounce', 'bounce'])
    })
  })
})

describe('a plugin without a trusted relay', function () {
  let product: Product
  let port: number
  before(async () => {
    port = await freePort()
    product = await startFlow({
      ini: { relay: { trusted: '' } },
      files: { 'config/http.ini': `listen = 127.0.0.1:${port}\n` },
      // the master and the worker each say what they read again
      haraka: { nodes: 1 },
    })
    await webServers(product.haraka, 1)
  })
  after(() => product.stop())

  it('says that it is idle, and leaves mail alone', async () => {
    await product.haraka.waitForLog('idle: no relay is trusted; set [relay] trusted in config/ses-bounce.ini')
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), '250 captured')
    assert.deepEqual(deliveredOf(product, mail), [{ hook: 'queue', to: ['user@yours.example'] }])
    assert.ok(!existsSync(product.queueFile))
    const page = await askHttp(port, '/')
    assert.equal(page.status, 503)
    assert.match(page.text, /^the plugin is idle: no relay is trusted/)
  })

  it('starts to work when one is set', async () => {
    write(product, 'ses-bounce.ini', iniText({}, product.ses.url))
    await linesFromAll(product, /\[ses-bounce\] configuration reloaded: .*ses-bounce\.ini/, 0, 2)
    await product.haraka.waitForLog('dispatcher: dispatching')
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), '250 Message accepted by policy')
    await bounceOf(product, mail)
    assert.equal((await askHttp(port, '/')).status, 200)
  })
})

/** Sends mail until two workers have had one; what each decided. */
async function decidedByEachWorker(product: Product, recipient: string): Promise<string[]> {
  const actions = new Map<number, string>()
  await until(
    async () => {
      await relay(product, { to: [recipient] })
      const note = noted(product.haraka).at(-1)
      // no rule concerned it: the mail wasn't looked at
      if (note !== undefined) actions.set(note.pid, note.decisions?.[0]?.action ?? 'none')
      return actions.size >= 2
    },
    { what: 'mail in two workers' },
  )
  return [...actions.values()]
}

function lastPids({ haraka }: Product): number[] {
  return noted(haraka)
    .slice(-2)
    .map(({ pid }) => pid)
}
