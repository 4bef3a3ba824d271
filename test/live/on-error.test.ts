// [main] on_error = last_good: a Haraka whose files have errors at boot starts on the last good configuration.

import assert from 'node:assert/strict'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { bounceOf, relay, said, startFlow } from './support/flow'
import { expectBootFailure } from './support/haraka'
import { askHttp, TOKEN, webServers } from './support/http'
import { freePort } from './support/ports'
import { BOUNCE_ALL, iniText, type Product } from './support/product'
import { change } from './support/reload'
import { until } from './support/wait'

const SAVED_AT = '2025-02-20T12:00:00.000Z'
const BROKEN_RULES = '[unknown-mailbox]\nrecipiant = *@*\naction = bounce\n'
const BOUNCE_NONE = '[none]\nrecipient = nobody@yours.example\naction = drop\n'

function lastGood(settings: string): Record<string, string> {
  const sources = {
    'ses-bounce.ini': settings,
    'ses-bounce-rules.ini': BOUNCE_ALL,
    host_list: 'yours.example\n',
  }
  return { 'ses-bounce/last-good.json': JSON.stringify({ saved_at: SAVED_AT, sources }) }
}

describe('a Haraka whose files have errors at boot, with on_error = last_good', () => {
  let ses: SesEmulator
  let product: Product
  let port: number

  before(async () => {
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
    port = await freePort()
    const ini = { main: { on_error: 'last_good' }, http: { token: TOKEN } }
    product = await startFlow({
      localSes: ses,
      ini,
      rules: BROKEN_RULES,
      files: {
        'config/http.ini': `listen = 127.0.0.1:${port}\n`,
        ...lastGood(iniText({ ...ini, limit: { interval: '20ms', slack: '0ms', per_sender: '' } }, ses.url)),
      },
      haraka: { nodes: 2 },
    })
    await webServers(product.haraka, 2)
  })
  after(async () => {
    await product?.stop()
    await ses?.close()
  })

  it('starts, says every error and what is in force, and bounces by the last good rules', async () => {
    await product.haraka.waitForLog(
      /ses-bounce-rules\.ini:2: \[unknown-mailbox\] unknown condition "recipiant"/,
    )
    await product.haraka.waitForLog(`the last good configuration, of ${SAVED_AT}, stays in force`)
    await product.haraka.waitForLog(
      `the files have errors: this is the last good configuration, of ${SAVED_AT}`,
    )
    const { reply, mail } = await relay(product)
    assert.equal(said(reply), '250 Message accepted by policy')
    await bounceOf(product, mail)
  })

  it('says so on the page, in its health and in the metrics', async () => {
    const authorization = `Bearer ${TOKEN}`
    const degraded = 'Degraded: the configuration has errors; the previous one is in force'
    assert.ok((await askHttp(port, '/')).text.includes(`<title>${degraded}`))
    const health = await askHttp(port, '/health')
    assert.equal(health.status, 200)
    const { verdict, reasons } = JSON.parse(health.text) as { verdict: string; reasons: { kind: string }[] }
    assert.equal(verdict, degraded)
    assert.ok(reasons.some(({ kind }) => kind === 'configuration_refused'))
    const metrics = (await askHttp(port, '/metrics', { authorization })).text
    assert.match(metrics, /^ses_bounce_config_last_reload_successful 0$/m)
  })

  it('goes by the files as soon as they are fixed', async () => {
    await change(product, 'ses-bounce-rules.ini', BOUNCE_NONE)
    const { reply } = await relay(product)
    assert.equal(said(reply), '250 captured')
    // what a process has read is written to the queue a moment later
    const verdict = async () =>
      (JSON.parse((await askHttp(port, '/health')).text) as { verdict: string }).verdict
    await until(async () => (await verdict()) === 'Sending', { what: 'the verdict on good files' })
  })
})

describe('a Haraka whose files have errors at boot', () => {
  const lastGoodSettings = iniText({ main: { on_error: 'last_good' } }, 'local')
  const fails = (settings: string, more: Record<string, string>) =>
    expectBootFailure({
      plugins: ['ses-bounce'],
      files: { 'config/ses-bounce.ini': settings, 'config/ses-bounce-rules.ini': BROKEN_RULES, ...more },
    })

  it('stops with on_error = last_good when there is no last good configuration', async () => {
    const { code, log } = await fails(lastGoodSettings, {})
    assert.equal(code, 1)
    assert.match(
      log.join('\n'),
      /last-good\.json holds no last good configuration that can be used, so Haraka stops/,
    )
    assert.match(log.join('\n'), /ses-bounce-rules\.ini:2: \[unknown-mailbox\]/)
  })

  it('stops when its own on_error says stop, whatever the last good configuration says', async () => {
    const { code } = await fails(iniText({ main: { on_error: 'stop' } }, 'local'), lastGood(lastGoodSettings))
    assert.equal(code, 1)
  })
})
