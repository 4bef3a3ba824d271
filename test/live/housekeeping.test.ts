// Quarantined mail goes when its time is over, while Haraka runs.

import assert from 'node:assert/strict'
import { existsSync, readdirSync, utimesSync } from 'node:fs'
import path from 'node:path'
import type { SesEmulator } from '../../src/ses-emulator/options'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { keptOf, relay, startFlow } from './support/flow'
import type { Product } from './support/product'
import { until } from './support/wait'

describe('[quarantine] keep', function () {
  let product: Product
  let ses: SesEmulator
  const start = (haraka: { dir?: string }) =>
    startFlow({
      rules: '[held]\nrecipient = *@yours.example\naction = quarantine\n',
      ini: { quarantine: { keep: '1h' } },
      localSes: ses,
      haraka,
    })
  before(async () => {
    ses = await startSesEmulator({ messages: 'any', intervalMs: 0 })
    product = await start({})
  })
  after(async () => {
    await product.stop()
    await ses.close()
  })

  it('removes mail that is older, and no other', async () => {
    const { mail: old } = await relay(product)
    assert.equal(keptOf(product, old).length, 1)
    const { dir } = product.haraka
    await product.haraka.stop()
    const folder = path.join(dir, 'ses-bounce/quarantine')
    const files = readdirSync(folder).map(name => path.join(folder, name))
    const twoHoursAgo = new Date(Date.now() - 2 * 3_600_000)
    for (const file of files) utimesSync(file, twoHoursAgo, twoHoursAgo)
    product = await start({ dir })
    const { mail: young } = await relay(product)
    await until(() => !files.some(file => existsSync(file)), { what: 'the old mail to go' })
    assert.equal(keptOf(product, young).length, 1)
  })
})
