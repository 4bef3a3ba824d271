// The options of `ses-bounce explain`, read and checked.
// What is wrong comes back as a fault that names the option and what would be right; nothing throws.

import { isIP } from 'node:net'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { DURATION_FORM, parseDurationMs } from '../../config/values'
import { parseAddress, withoutBrackets } from '../../mail/address'
import { findField } from '../../policy/fields'
import type { Given } from './assumed'

export interface ExplainOptions {
  /** A path, or `-`. */
  input: string
  dir: string
  /** The Haraka directory of another configuration. */
  against?: string
  json: boolean
  given: Given
  /** What other plugins found, by path. */
  results: Map<string, (string | number)[]>
}

const CONFIG = {
  dir: { type: 'string' },
  json: { type: 'boolean', default: false },
  from: { type: 'string' },
  to: { type: 'string', multiple: true },
  at: { type: 'string' },
  relay: { type: 'string' },
  result: { type: 'string', multiple: true },
  against: { type: 'string' },
  help: { type: 'boolean', short: 'h', default: false },
} as const

export function readOptions(
  args: string[],
  env: NodeJS.ProcessEnv,
): ExplainOptions | { help: true } | { fault: string } {
  try {
    const { values, positionals } = parseArgs({ args, options: CONFIG, allowPositionals: true })
    if (values.help) return { help: true }
    const [input, ...more] = positionals
    if (input === undefined || input === '' || more.length > 0)
      return { fault: 'name one file, folder or mbox, or - for standard input' }
    for (const name of ['dir', 'against'] as const)
      if (values[name] === '') return { fault: `--${name} needs a directory` }
    const given = readGiven(values)
    if ('fault' in given) return given
    const results = readResults(values.result ?? [])
    if ('fault' in results) return results
    return {
      input,
      dir: path.resolve(values.dir ?? env['HARAKA'] ?? ''),
      ...(values.against !== undefined && { against: path.resolve(values.against) }),
      json: values.json,
      given,
      results: results.value,
    }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

function readGiven(values: {
  from?: string
  to?: string[]
  at?: string
  relay?: string
}): Given | { fault: string } {
  const from = values.from === undefined ? undefined : withoutBrackets(values.from)
  const to = values.to?.map(withoutBrackets)
  const at = values.at === undefined ? undefined : parseAt(values.at)
  const faulty = [...(from === '' ? [] : [from ?? []].flat()), ...(to ?? [])].find(
    address => parseAddress(address) === undefined,
  )
  if (faulty !== undefined) return { fault: `"${faulty}" isn't an address` }
  if (values.at !== undefined && at === undefined) {
    return { fault: `--at can't be "${values.at}"; write ${AT_FORM}` }
  }
  if (values.relay !== undefined && isIP(values.relay) === 0)
    return { fault: `--relay must be an IP address, not "${values.relay}"` }
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(at !== undefined && { at }),
    ...(values.relay !== undefined && { relay: values.relay }),
  }
}

export const AT_FORM = `a time as 2025-02-20T12:38:04Z, or how long after its receipt: ${DURATION_FORM}`
/** Beyond it there would be no date at some time. */
const LONGEST_AFTER_MS = 3650 * 86_400_000
/** ISO 8601, UTC where no zone is named. */
const TIME = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?)(Z|[+-]\d\d:\d\d)?)?$/i

export function parseAt(text: string): Given['at'] {
  const afterMs = parseDurationMs(text)
  if (afterMs !== undefined) return afterMs > LONGEST_AFTER_MS ? undefined : { afterMs: Math.round(afterMs) }
  const [, day = '', time = '00:00', zone = 'Z'] = TIME.exec(text) ?? []
  const timeMs = Date.parse(`${day}T${time}${zone.toUpperCase()}`)
  // 31 Feb would become a day in March
  const isDay = !Number.isNaN(timeMs) && new Date(`${day}T00:00Z`).toISOString().startsWith(day)
  return isDay ? { timeMs } : undefined
}

function readResults(given: readonly string[]): { value: ExplainOptions['results'] } | { fault: string } {
  const value: ExplainOptions['results'] = new Map()
  for (const text of given) {
    const equals = text.indexOf('=')
    const name = text.slice(0, Math.max(equals, 0)).trim()
    if (findField(`result.${name}`) === undefined)
      return { fault: `--result can't be "${text}"; write PLUGIN.PATH=VALUE, as rspamd.score=7.5` }
    value.set(name, [...(value.get(name) ?? []), asResult(text.slice(equals + 1).trim())])
  }
  return { value }
}

/** A number where it is written as one writes numbers; `007` is text. */
export function asResult(text: string): string | number {
  return text !== '' && String(Number(text)) === text ? Number(text) : text
}
