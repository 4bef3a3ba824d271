// The options of `ses-bounce explain`, read and checked.
// Throws a UsageError that names the option and the right form.

import { isIP } from 'node:net'
import type { Command } from 'commander'
import { DURATION_FORM, parseDurationMs } from '../../config/values'
import { parseAddress, withoutBrackets } from '../../mail/address'
import type { Refusal } from '../../mail/refusal'
import { findField } from '../../policy/fields'
import { type CommonOptions, directory, each, harakaDir, UsageError } from '../command-line'
import type { Given } from './assumed'
import { parseRefused, REFUSED_FORM } from './given-refusals'

export interface ExplainOptions {
  /** A path, or `-`. */
  input: string
  dir: string
  /** The Haraka directory of another configuration. */
  against?: string
  json: boolean
  given: Given
  /** The results of other plugins, by path. */
  results: Map<string, (string | number)[]>
}

interface Values extends CommonOptions {
  from?: string
  to?: string[]
  at?: Given['at']
  relay?: string
  result?: string[]
  refused?: Refusal[]
  against?: string
}

export function addExplainOptions(command: Command): Command {
  return command
    .usage('[OPTIONS] FILE|-')
    .argument(
      '[FILE]',
      'a mail as the relay delivers it, - for standard input; a folder or an mbox: many mails',
    )
    .option(
      '--from <ADDRESS>',
      "MAIL FROM of the relay; <> is the null sender (default: SES's Return-Path)",
      sender,
    )
    .option(
      '--to <ADDRESS>',
      "RCPT TO of the relay, may be given again (default: the recipient in SES's Received, else the recipients in " +
        'the header at domains that SES receives for)',
      each(address),
    )
    .option(
      '--at <TIME>',
      'when it comes: 2025-02-20T12:38:04Z, or how long after its receipt: 25h (default: 1m)',
      time,
    )
    .option('--relay <IP>', 'the relay (default: the first of [relay] trusted)', ip)
    .option(
      '--result <PLUGIN.PATH=VALUE>',
      'a result of another Haraka plugin, may be repeated: rspamd.score=7.5',
      each(String),
    )
    .option(
      '--refused <REFUSAL>',
      `a refusal by another plugin, or a server behind Haraka, may be repeated: ${REFUSED_FORM}`,
      each(refused),
    )
    .option(
      '--against <DIR>',
      'shows only mails that the configuration there decides differently; it needs a whole config/, with host_list and ' +
        "me. A rule's name alone is no difference",
    )
}

/** @throws UsageError */
export function readOptions(command: Command, env: NodeJS.ProcessEnv): ExplainOptions {
  const {
    from,
    to,
    at,
    relay,
    result = [],
    refused: refusals,
    against,
    json = false,
    ...common
  } = command.optsWithGlobals<Values>()
  const [input = ''] = command.args
  if (input === '') throw new UsageError('name one file, folder or mbox, or - for standard input')
  return {
    input,
    dir: harakaDir(common, env),
    ...(against !== undefined && { against: directory('--against', against) }),
    json,
    given: {
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      ...(at !== undefined && { at }),
      ...(relay !== undefined && { relay }),
      ...(refusals && { refusals: [refusals] }),
    },
    results: resultsOf(result),
  }
}

function sender(text: string): string {
  const from = withoutBrackets(text)
  return from === '' ? from : address(from)
}

function address(text: string): string {
  const bare = withoutBrackets(text)
  if (parseAddress(bare) === undefined) throw new UsageError(`"${bare}" isn't an address`)
  return bare
}

function time(text: string): Given['at'] {
  const at = parseAt(text)
  if (at === undefined) throw new UsageError(`--at can't be "${text}"; write ${AT_FORM}`)
  return at
}

function refused(text: string): Refusal {
  const read = parseRefused(text)
  if ('fault' in read) throw new UsageError(`--refused ${read.fault}`)
  return read.value
}

function ip(text: string): string {
  if (isIP(text) === 0) throw new UsageError(`--relay must be an IP address, not "${text}"`)
  return text
}

export const AT_FORM = `a time as 2025-02-20T12:38:04Z, or how long after its receipt: ${DURATION_FORM}`
/** A limit, as dates can't be arbitrarily late. */
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

function resultsOf(given: readonly string[]): ExplainOptions['results'] {
  const value: ExplainOptions['results'] = new Map()
  for (const text of given) {
    const equals = text.indexOf('=')
    const name = text.slice(0, Math.max(equals, 0)).trim()
    if (findField(`result.${name}`) === undefined)
      throw new UsageError(`--result can't be "${text}"; write PLUGIN.PATH=VALUE, as rspamd.score=7.5`)
    value.set(name, [...(value.get(name) ?? []), asResult(text.slice(equals + 1).trim())])
  }
  return value
}

/** A number where it is written as one writes numbers; `007` is text. */
export function asResult(text: string): string | number {
  return text !== '' && String(Number(text)) === text ? Number(text) : text
}
