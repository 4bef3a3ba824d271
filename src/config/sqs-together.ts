// Checks the keys of [relay.sqs] together. Pure.

import type { Values } from './schema'
import type { ReadKeys } from './stores-together'

const SECTION = 'relay.sqs'
const REQUIRED = ['dead_letter_url', 'buckets', 'domains'] as const

export function checkSqs(values: Values, keys: ReadKeys): void {
  const sqs = values[SECTION]
  // a queue that could not be read decides nothing
  if (keys.isSet(SECTION, 'queue_url') && keys.lineOf(SECTION, 'queue_url') === undefined) return
  const line = keys.lineOf(SECTION, 'queue_url') ?? 0
  if (sqs.queue_url === undefined) {
    const [other] = REQUIRED.filter(key => sqs[key] !== undefined && sqs[key].length > 0)
    if (other !== undefined)
      keys.report('error', SECTION, keys.lineOf(SECTION, other) ?? 0, 'queue_url is missing')
    return
  }
  for (const key of REQUIRED) {
    const value = sqs[key]
    const isEmpty = value === undefined || value.length === 0
    if (isEmpty && (keys.lineOf(SECTION, key) !== undefined || !keys.isSet(SECTION, key)))
      keys.report('error', SECTION, keys.lineOf(SECTION, key) ?? line, `${key} is missing`)
  }
  if (sqs.queue_url !== undefined && sqs.queue_url === sqs.dead_letter_url)
    keys.report('error', SECTION, line, 'queue_url and dead_letter_url are the same queue')
  for (const url of [sqs.queue_url, sqs.dead_letter_url])
    if (url?.endsWith('.fifo'))
      keys.report(
        'error',
        SECTION,
        line,
        'a FIFO queue holds back all mail behind one that must wait; take a standard queue',
      )
  const isUnset = (key: 'user' | 'password') =>
    keys.isSet(SECTION, key) && keys.lineOf(SECTION, key) === undefined
  // one that could not be read has its own error, or isn't needed
  if ((sqs.user === undefined) !== (sqs.password === undefined) && !isUnset('user') && !isUnset('password'))
    keys.report(
      'error',
      SECTION,
      keys.lineOf(SECTION, sqs.user === undefined ? 'password' : 'user') ?? line,
      'user and password belong together',
    )
}
