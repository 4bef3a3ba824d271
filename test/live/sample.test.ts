// `ses-bounce sample --send` to a whole Haraka: the mail goes by its rules as SES's own does.

import assert from 'node:assert/strict'
import { sesBounce } from './support/command'
import { startFlow } from './support/flow'
import { BOUNCE_ALL, type Product } from './support/product'
import { until } from './support/wait'

describe('a sample mail that is sent to a whole Haraka', () => {
  let product: Product
  before(async () => {
    product = await startFlow({
      rules: `[no]\nrecipient = no@yours.example\naction = reject\n\n${BOUNCE_ALL}`,
      haraka: { nodes: 0 },
    })
  })
  after(() => product?.stop())

  const sample = (...args: string[]) =>
    sesBounce(product, 'sample', '--send', `127.0.0.1:${product.haraka.port}`, ...args)

  it('is bounced by a rule, as the emulator knows every mail, and each is another one', async () => {
    for (let n = 0; n < 2; n++) {
      const { code, errors, lines } = await sample('--to', 'user@yours.example')
      assert.deepEqual([code, errors, lines.length], [0, [], 1])
      assert.match(lines[0] ?? '', /^user@yours\.example: 250 Message accepted by policy/)
    }
    await until(() => product.jobs({ state: 'sent' }).length === 2, { what: 'both bounces' })
  })

  it('that is refused is told of, and ends with 1', async () => {
    const { code, lines } = await sample('--to', 'no@yours.example')
    assert.equal(code, 1)
    assert.match(lines.join('\n'), /^no@yours\.example: 550 /)
  })
})
