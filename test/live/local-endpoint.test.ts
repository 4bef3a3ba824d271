import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { sesBounce } from './support/command'
import { startProduct } from './support/product'
import { change } from './support/reload'
import { until } from './support/wait'

describe('endpoint = local', function () {
  it('has an emulator that knows roles, so that several accounts can be tried without AWS', async () => {
    const role = (account: string) => `arn:aws:iam::${account}:role/bounce`
    const product = await startProduct({
      ini: { ses: { endpoint: 'local' }, 'account.one': { role: role('111111111111'), domains: '*' } },
      haraka: { nodes: 2 },
    })
    const laneOf = async () => {
      const { reply, mail } = await product.deliver()
      assert.equal(reply.code, 250)
      await until(() => product.jobs({ sesId: mail.sesId })[0]?.state === 'sent', { what: 'the bounce' })
      return product.jobs({ sesId: mail.sesId })[0]?.region
    }
    try {
      assert.equal(await laneOf(), '111111111111/eu-west-1')
      // another account counts from its reload on
      const file = 'ses-bounce.ini'
      const ini = readFileSync(path.join(product.haraka.dir, 'config', file), 'utf8')
      await change(product, file, ini.replace(role('111111111111'), role('222222222222')))
      assert.equal(await laneOf(), '222222222222/eu-west-1')
    } finally {
      await product.stop()
    }
  })

  it('sends bounces to its own emulator, with a log line, until the setting is removed', async () => {
    const product = await startProduct({
      ini: { ses: { endpoint: 'local' } },
      ses: { credentials: 'any' },
    })
    try {
      await product.haraka.waitForLog(/bounces go to the emulator at http:\/\/127\.0\.0\.1:\d+, not to SES/)
      await product.haraka.waitForLog(/bounces go to the local emulator, not to SES/)
      const { lines } = await sesBounce(product, 'queue', 'stats')
      assert.deepEqual(lines.slice(0, 2), ['Sending', 'Note: bounces go to the local emulator, not to SES.'])
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
