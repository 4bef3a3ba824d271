// Changes files of a running Haraka's configuration, and waits until all its processes have said what they make of it.
// Each process reads by itself: what one says proves nothing for another.

import { writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Product } from './product'
import { until } from './wait'

/** Until master and workers have said that they go by it. */
export async function change(product: Product, file: string, text: string): Promise<void> {
  const since = product.haraka.log().length
  write(product, file, text)
  await linesFromAll(product, new RegExp(`\\[ses-bounce\\] configuration reloaded: .*${file}`), since)
}

/** Until master and workers have said that they go by the one before. */
export async function changeInVain(product: Product, file: string, text: string): Promise<void> {
  const since = product.haraka.log().length
  write(product, file, text)
  await linesFromAll(product, /the last good .*in force/, since)
}

export function write({ haraka }: Product, file: string, text: string): void {
  writeFileSync(path.join(haraka.dir, 'config', file), text)
}

/** From the master and each worker. */
export async function linesFromAll(
  { haraka }: Product,
  pattern: RegExp,
  since: number,
  processes = 3,
): Promise<void> {
  await until(
    () =>
      haraka
        .log()
        .slice(since)
        .filter(line => line.search(pattern) !== -1).length >= processes,
    { what: `${processes} times ${pattern}` },
  )
}
