// The words and options behind `ses-bounce quarantine`, read and checked.
// What is wrong comes back as a fault that names the option and what would be right; nothing throws.

import path from 'node:path'
import { parseArgs } from 'node:util'
import { didYouMean } from '../../config/diagnostics'
import { parseCount } from '../../config/values'
import { type Endpoint, parseEndpoint } from './endpoint'

export type QuarantineTask =
  | { word: 'list'; limit?: number }
  | { word: 'show' | 'delete'; ids: string[] }
  | { word: 'release'; ids: string[]; to?: Endpoint }

export interface QuarantineOptions {
  dir: string
  json: boolean
  task: QuarantineTask
}

type Fault = { fault: string }

const WORDS = ['list', 'show', 'release', 'delete'] as const

export function readOptions(
  args: string[],
  env: NodeJS.ProcessEnv,
): QuarantineOptions | { help: true } | Fault {
  try {
    const { values, positionals } = parseArgs({
      args,
      options: {
        dir: { type: 'string' },
        json: { type: 'boolean', default: false },
        limit: { type: 'string' },
        to: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
      allowPositionals: true,
    })
    if (values.help) return { help: true }
    if (values.dir === '') return { fault: '--dir needs a directory' }
    const task = readTask(positionals, values)
    if ('fault' in task) return task
    return { dir: path.resolve(values.dir ?? env['HARAKA'] ?? ''), json: values.json, task }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}

function readTask(
  [word = '', ...ids]: string[],
  { limit, to }: { limit?: string; to?: string },
): QuarantineTask | Fault {
  if (limit !== undefined && word !== 'list') return { fault: '--limit goes with list' }
  if (to !== undefined && word !== 'release') return { fault: '--to goes with release' }
  switch (word) {
    case 'list': {
      if (ids[0] !== undefined) return { fault: `"list" takes no "${ids[0]}"` }
      const count = limit === undefined ? undefined : parseCount(limit)
      if (limit !== undefined && !count)
        return { fault: `--limit must be a number from 1 on, not "${limit}"` }
      return { word, ...(count !== undefined && { limit: count }) }
    }
    case 'show':
    case 'delete':
    case 'release': {
      if (ids.length === 0) return { fault: `name one or more mails by their ids: ${word} ID` }
      const endpoint = to === undefined ? undefined : parseEndpoint(to)
      if (to !== undefined && endpoint === undefined)
        return { fault: `--to can't be "${to}"; write HOST:PORT` }
      const unique = [...new Set(ids)]
      return word === 'release'
        ? { word, ids: unique, ...(endpoint && { to: endpoint }) }
        : { word, ids: unique }
    }
    case '':
      return { fault: `say what to do: ${WORDS.join(', ')}` }
    default:
      return {
        fault: `unknown command "quarantine ${word}"${didYouMean(word, WORDS) || `; there are ${WORDS.join(', ')}`}`,
      }
  }
}
