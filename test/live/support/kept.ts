// The mail on disk: what waits for its bounces, and what the quarantine holds.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import type { SesMail } from './mail'
import type { Product } from './product'

/** The files of a mail in one of the folders below ses-bounce/. */
export function rawKept(
  { haraka }: Pick<Product, 'haraka'>,
  place: 'kept' | 'quarantine',
  mail: SesMail,
): Buffer[] {
  const folder = path.join(haraka.dir, 'ses-bounce', place)
  const names = existsSync(folder) ? readdirSync(folder) : []
  return names
    .filter(name => /^[0-9a-f]{24}\.eml$/.test(name))
    .flatMap(name => {
      try {
        return [readFileSync(path.join(folder, name))]
      } catch {
        // it has been moved or deleted meanwhile
        return []
      }
    })
    .filter(eml => eml.includes(mail.sesId))
}
