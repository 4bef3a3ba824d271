// A Haraka that starts again in the directory of one that has ended, however it did, with the same emulator.

import type { Product, ProductOptions } from './product'
import { startProduct } from './product'
import { until } from './wait'

/** `options`: as the first was started with. What it gives is to be stopped in place of the first. */
export async function startAgain(
  { haraka, ses }: Product,
  { haraka: more, ...options }: ProductOptions,
): Promise<Product> {
  await gone(haraka)
  return startProduct({ ...options, localSes: ses, haraka: { ...more, dir: haraka.dir } })
}

/** kill -9 of the master; its workers and its dispatcher end when they see it. */
export async function killMaster({ haraka }: Product): Promise<void> {
  haraka.kill(haraka.pid, 'SIGKILL')
  await gone(haraka)
}

/** Until nothing of it is left. */
function gone(haraka: Product['haraka']): Promise<boolean> {
  return until(() => haraka.hasExited && haraka.family().length === 0, { what: 'the end of Haraka' })
}
