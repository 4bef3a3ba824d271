import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { startProduct } from './support/product'
import { until } from './support/wait'

describe('endpoint = local', function () {
  it('sends bounces to its own emulator, with a log line, until the setting is removed', async () => {
    const product = await startProduct({
      ini: { ses: { endpoint: 'local' } },
      ses: { credentials: 'any' },
    })
    try {
      await product.haraka.waitForLog(/bounces go to the emulator at http:\/\/127\.0\.0\.1:\d+, not to SES/)
      const { reply, mail } = await product.deliver()
      assert.equal(reply.code, 250)
      await until(() => product.jobs({ sesId: mail.sesId })[0]?.state === 'sent', { what: 'the bounce' })
      assert.equal(product.ses.calls.length, 0)

      // and a change of it by reload sends the next one where it says
      const since = product.haraka.log().length
      const ini = path.join(product.haraka.dir, 'config/ses-bounce.ini')
      writeFileSync(
        ini,
        readFileSync(ini, 'utf8').replace('endpoint = local', `endpoint = ${product.ses.url}`),
      )
      await product.haraka.waitForLog(/dispatcher: dispatching/, { since })
      await product.deliver()
      await product.calls(1)
    } finally {
      await product.stop()
    }
  })
})
