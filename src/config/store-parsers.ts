// Parsers of the places in ses-bounce.ini where jobs and mail are kept.

import type { MailStorePlace } from './settings'
import { quoted, unknownValue, type ValueParser, whole } from './value-parsers'

/** Its replicas may not have what it has answered (Redis: "Replication", allow asynchronous loss). */
const LOSES = new Set(['redis', 'valkey'])

export const queueStore: ValueParser<'sqlite' | 'postgres'> = whole('sqlite or postgres', (text, key) => {
  const name = text.toLowerCase()
  if (name === 'sqlite' || name === 'postgres') return { value: name }
  if (LOSES.has(name))
    return {
      fault: `${quoted(text)} for ${key} isn't safe: what was answered with 250 can be lost; sqlite, postgres`,
    }
  return unknownValue(text, key, queueStore.form)
})

/** Amazon S3 User Guide: "General purpose bucket naming rules". */
const BUCKET = /^(?!xn--|sthree-|amzn-s3-demo-)[a-z0-9](?:[a-z0-9.-]{1,61})[a-z0-9]$/
/** Amazon S3 User Guide, "Naming Amazon S3 objects": safe characters, and room for a name of ours in 1024 bytes. */
const PREFIX = /^[A-Za-z0-9!_.*'()/-]{0,900}$/

export const mailStorePlace: ValueParser<MailStorePlace> = whole<MailStorePlace>(
  'folder, or s3://BUCKET/PREFIX',
  (text, key) => {
    if (text.toLowerCase() === 'folder') return { value: 'folder' }
    const [, bucket = '', path = ''] = /^s3:\/\/([^/]+)(\/.*)?$/i.exec(text) ?? []
    const prefix = path.replace(/^\/+|\/+$/g, '')
    const isName = BUCKET.test(bucket) && !bucket.includes('..') && !/^[\d.]+$/.test(bucket)
    const parts = prefix === '' ? [] : prefix.split('/')
    const isPrefix = PREFIX.test(prefix) && !parts.some(part => ['', '.', '..'].includes(part))
    return isName && isPrefix ? { value: { bucket, prefix } } : unknownValue(text, key, mailStorePlace.form)
  },
)
