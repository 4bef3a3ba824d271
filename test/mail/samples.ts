// The receipts in test/fixtures, as header lines, and ways to write them differently.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(__dirname, '../fixtures/receipts')

export const SAMPLES = readdirSync(FOLDER).filter(name => name.endsWith('.eml'))

/** Physical lines as Haraka has them: ending in a line feed. */
export function headerLines(sample: string): string[] {
  return linesOf(readFileSync(join(FOLDER, sample), 'utf8').split('\r\n\r\n')[0] ?? '')
}

export function linesOf(text: string): string[] {
  return text.split(/\r?\n/).map(line => `${line}\n`)
}

/** One line a field. */
export function flattened(lines: readonly string[]): string[] {
  return linesOf(
    lines
      .join('')
      .replaceAll(/\n([ \t])/g, '$1')
      .trimEnd(),
  )
}

/** A fold at every blank of a field's value. */
export function foldedEverywhere(lines: readonly string[]): string[] {
  return flattened(lines).flatMap(line => linesOf(line.trimEnd().replaceAll(/ +/g, '\n ')))
}

/** The same pseudo-random numbers from the same seed: mulberry32. */
export function random(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A few faults: flipped characters, cut or repeated or moved lines, pieces that matter put in anywhere. */
export function mutated(lines: readonly string[], pick: (below: number) => number): string[] {
  const pieces = [
    '"',
    '(',
    ')',
    ';',
    '\\',
    '<',
    '>',
    '@',
    ' by ',
    ' for ',
    '\r',
    '\0',
    '\u00e9',
    '[',
    ' id ',
    FORGED,
  ]
  const result = [...lines]
  for (let times = 1 + pick(4); times > 0; times--) {
    const at = pick(result.length)
    const line = result[at] ?? ''
    const inner = pick(line.length + 1)
    const piece = pieces[pick(pieces.length)] ?? ''
    const flipped = String.fromCharCode(
      (line.charCodeAt(Math.min(inner, line.length - 1)) || 0) ^ (1 << pick(8)),
    )
    const replacements = [
      () => [line.slice(0, inner) + flipped + line.slice(inner + 1)],
      () => [`${line.slice(0, inner)}\n`],
      () => [],
      () => [line, line],
      () => [line.slice(0, inner) + piece + line.slice(inner)],
      () => [`${line.slice(0, inner)}\n`, ` ${line.slice(inner)}`],
      () => [line, result[pick(result.length)] ?? ''],
    ]
    result.splice(at, 1, ...(replacements[pick(replacements.length)]?.() ?? []))
    if (result.length === 0) result.push('Subject: x\n')
  }
  return result.map(line => `${line.replaceAll('\n', '')}\n`)
}

const FORGED = ' by inbound-smtp.us-east-1.amazonaws.com with SMTP id forged00 for victim@site5.test; '
