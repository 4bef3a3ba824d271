// The words and options behind `ses-bounce queue`, read and checked.
// What is wrong comes back as a fault that names the option and what would be right; nothing throws.

import path from 'node:path'
import { parseArgs } from 'node:util'
import { didYouMean } from '../../config/diagnostics'
import { regionList } from '../../config/list-parsers'
import { DURATION_FORM, parseCount, parseDurationMs } from '../../config/values'
import { domainOf, parseAddress, withoutBrackets } from '../../mail/address'
import { JOB_STATES, type JobState } from '../../queue/job'
import type { JobFilter } from '../../queue/store'

export type ByHandWord = 'retry' | 'cancel' | 'hold'

export type QueueTask =
  | { word: 'list'; filter: JobFilter; limit?: number }
  | { word: 'show' | ByHandWord; ids: string[] }
  | { word: 'stats' }
  | { word: 'pause' | 'resume'; region?: string }
  | { word: 'watch'; everyMs?: number }
  | { word: 'drain'; wait: boolean; timeoutMs?: number }

export interface QueueOptions {
  dir: string
  json: boolean
  task: QueueTask
}

const COMMON = {
  dir: { type: 'string' },
  json: { type: 'boolean' },
  help: { type: 'boolean', short: 'h' },
} as const

const OPTIONS = {
  ...COMMON,
  state: { type: 'string', multiple: true },
  rule: { type: 'string' },
  sender: { type: 'string' },
  recipient: { type: 'string' },
  region: { type: 'string' },
  'ses-id': { type: 'string' },
  limit: { type: 'string' },
  every: { type: 'string' },
  wait: { type: 'boolean' },
  timeout: { type: 'string' },
} as const

/** More often than anybody can see would only keep the disk busy. */
const LEAST_EVERY_MS = 100

type Option = keyof typeof OPTIONS
type Word = QueueTask['word']

/** The options of each word besides the common ones; `ids`: it takes ids of jobs. */
const WORDS: Record<Word, { takes: readonly Option[]; ids?: true }> = {
  list: { takes: ['state', 'rule', 'sender', 'recipient', 'region', 'ses-id', 'limit'] },
  show: { takes: [], ids: true },
  retry: { takes: [], ids: true },
  cancel: { takes: [], ids: true },
  hold: { takes: [], ids: true },
  stats: { takes: [] },
  pause: { takes: ['region'] },
  resume: { takes: ['region'] },
  watch: { takes: ['every'] },
  drain: { takes: ['wait', 'timeout'] },
}

type Fault = { fault: string }

export function readOptions(args: string[], env: NodeJS.ProcessEnv): QueueOptions | { help: true } | Fault {
  try {
    const { values, positionals } = parseArgs({ args, options: OPTIONS, allowPositionals: true })
    if (values.help) return { help: true }
    const [word = '', ...ids] = positionals
    if (!isWord(word)) return { fault: unknownWord(word) }
    const { takes, ids: takesIds } = WORDS[word]
    const stray = Object.keys(values).find(
      name => !Object.hasOwn(COMMON, name) && !takes.some(one => one === name),
    )
    if (stray !== undefined) return { fault: `"${word}" has no option --${stray}` }
    if (takesIds && ids.length === 0) return { fault: `name one or more jobs by their ids: ${word} ID` }
    if (!takesIds && ids.length > 0) return { fault: `"${word}" takes no "${ids[0] ?? ''}"` }
    if (values.dir === '') return { fault: '--dir needs a directory' }
    const task = readTask(word, values, ids)
    if ('fault' in task) return task
    return { dir: path.resolve(values.dir ?? env['HARAKA'] ?? ''), json: values.json ?? false, task }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

function isWord(word: string): word is Word {
  return Object.hasOwn(WORDS, word)
}

function unknownWord(word: string): string {
  const known = Object.keys(WORDS)
  if (word === '') return `say what to do: ${known.join(', ')}`
  return `unknown command "queue ${word}"${didYouMean(word, known) || `; there are ${known.join(', ')}`}`
}

interface Given {
  state?: string[]
  rule?: string
  sender?: string
  recipient?: string
  region?: string
  'ses-id'?: string
  limit?: string
  every?: string
  wait?: boolean
  timeout?: string
}

function readTask(word: Word, given: Given, ids: string[]): QueueTask | Fault {
  switch (word) {
    case 'list':
      return readList(given)
    case 'show':
    case 'retry':
    case 'cancel':
    case 'hold':
      // an id that was copied twice is meant once
      return { word, ids: [...new Set(ids)] }
    case 'stats':
      return { word }
    case 'pause':
    case 'resume': {
      const region = readRegion(given.region)
      return 'fault' in region ? region : { word, ...region }
    }
    case 'watch': {
      const every = readDuration('every', given.every)
      if ('ms' in every && every.ms !== undefined && every.ms < LEAST_EVERY_MS)
        return { fault: `--every must be ${LEAST_EVERY_MS}ms at least` }
      return 'fault' in every ? every : { word, ...(every.ms !== undefined && { everyMs: every.ms }) }
    }
    case 'drain': {
      const timeout = readDuration('timeout', given.timeout)
      if ('fault' in timeout) return timeout
      if (timeout.ms !== undefined && !given.wait) return { fault: '--timeout goes with --wait' }
      return {
        word,
        wait: given.wait ?? false,
        ...(timeout.ms !== undefined && { timeoutMs: timeout.ms }),
      }
    }
  }
}

function readList(given: Given): QueueTask | Fault {
  const states = given.state?.flatMap(text => text.split(',')).map(text => text.trim().toLowerCase())
  const unknown = states?.find(state => !isState(state))
  if (unknown !== undefined)
    return { fault: `--state can't be "${unknown}"; there are ${JOB_STATES.join(', ')}` }
  const region = readRegion(given.region)
  if ('fault' in region) return region
  const sender = given.sender === undefined ? undefined : withoutBrackets(given.sender)
  const isHost = sender?.startsWith('@') && domainOf(`x${sender}`) !== undefined
  if (sender !== undefined && !isHost && parseAddress(sender) === undefined)
    return { fault: `--sender can't be "${sender}"; write an address, or @host` }
  const recipient = given.recipient === undefined ? undefined : withoutBrackets(given.recipient)
  if (recipient !== undefined && parseAddress(recipient) === undefined)
    return { fault: `--recipient can't be "${recipient}"; write an address` }
  const limit = given.limit === undefined ? undefined : parseCount(given.limit)
  if (given.limit !== undefined && !limit)
    return { fault: `--limit must be a number from 1 on, not "${given.limit}"` }
  return {
    word: 'list',
    filter: {
      ...(states && { states: states.filter(isState) }),
      ...region,
      ...(sender !== undefined && { sender }),
      ...(recipient !== undefined && { recipient }),
      // as it stands in a list: [rule]
      ...(given.rule !== undefined && { rule: given.rule.replace(/^\[(.*)\]$/, '$1') }),
      ...(given['ses-id'] !== undefined && { sesId: given['ses-id'] }),
    },
    ...(limit !== undefined && { limit }),
  }
}

function isState(text: string): text is JobState {
  return JOB_STATES.some(state => state === text)
}

function readRegion(text: string | undefined): { region?: string } | Fault {
  if (text === undefined) return {}
  const read = regionList.read(text, '--region')
  if ('fault' in read) return read
  const [region, ...more] = read.value
  return region === undefined || more.length > 0 ? { fault: '--region takes one region' } : { region }
}

function readDuration(name: string, text: string | undefined): { ms?: number } | Fault {
  if (text === undefined) return {}
  const ms = parseDurationMs(text)
  return ms === undefined || ms === 0
    ? { fault: `--${name} can't be "${text}"; write ${DURATION_FORM}` }
    : { ms }
}
