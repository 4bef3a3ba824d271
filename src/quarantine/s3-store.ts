// The store of mail in a bucket of S3, for hosts without a disk of their own: PREFIX/NAME.eml is the raw mail,
// PREFIX/NAME.json its record with its place. A mail changes its place by one write of the record, so that neither a
// crash nor two processes leave it in two places. The mail is written first: without a record it isn't there.

import { errorMessage } from '../errors'
import { MAIL_PLACES, type MailPlace } from '../queue/mail-ledger'
import type { CountedMail, MailStore, StoredFile, SweepOptions, Swept } from './mail-store'
import { isName } from './names'
import { formatRecord, parseRecord, type QuarantineRecord } from './record'
import { type S3Location, type S3Object, S3Objects, type S3Options } from './s3-objects'

export interface S3StoreOptions extends S3Options {
  /** The time for a mail and its record. */
  writeMs?: number
}

/** Below the 30 s that Haraka gives a plugin. */
const WRITE_MS = 25_000
/** Each step lists up to a thousand objects, and reads their records: some 0.06 USD a day. */
const SWEEP_PAUSE_MS = 600_000
/** Age after which a mail without a record, or a record without its mail, is removed: no writer takes a day. */
const UNFINISHED_MS = 86_400_000

/** A record takes two requests of some 20 ms, ten at a time. */
const LOOKS_AT_ONCE = 200

interface Stored {
  place: MailPlace
  /** Undefined: it can't be read. */
  record: QuarantineRecord | undefined
}

type Objects = Partial<Record<'eml' | 'json', S3Object>>

export function openS3Store(location: S3Location, options: S3StoreOptions = {}): MailStore {
  const objects = new S3Objects(location, options)
  let sweptTo: string | undefined

  async function stored(name: string): Promise<Stored | undefined> {
    const text = await objects.get(`${name}.json`)
    return text === undefined ? undefined : parseStored(text)
  }

  async function put(place: MailPlace, name: string, record: QuarantineRecord | undefined): Promise<void> {
    await objects.put(`${name}.json`, formatStored(place, record))
  }

  /** Both are needed: a crash can leave one alone. */
  async function find(name: string): Promise<(Stored & StoredFile) | undefined> {
    const [found, mail] = await Promise.all([stored(name), objects.head(`${name}.eml`)])
    if (found === undefined || mail === undefined) return undefined
    const atMs = Date.parse(found.record?.quarantinedAt ?? '')
    return { ...found, sizeBytes: mail.bytes, atMs: Number.isNaN(atMs) ? mail.atMs : atMs }
  }

  async function stat(place: MailPlace, name: string): Promise<StoredFile | undefined> {
    const found = await find(name)
    return found?.place === place ? found : undefined
  }

  /** The mail before its record: a record alone counts for nothing. The number of objects. */
  async function remove(name: string): Promise<number> {
    for (const ending of ['eml', 'json']) await objects.delete(`${name}.${ending}`)
    return 2
  }

  /** The number of removed objects. */
  async function sweepOne(name: string, { eml, json }: Objects, options: SweepOptions): Promise<number> {
    const { nowMs, keepMs, isNeeded, found: seen } = options
    const found = json && eml && (await find(name))
    if (found === undefined) {
      const isOld = [eml, json].every(one => one === undefined || one.atMs < nowMs - UNFINISHED_MS)
      return isOld ? remove(name) : 0
    }
    const isOver = found.place === 'quarantine' && found.atMs < nowMs - keepMs
    if (isOver && !(await isNeeded?.(name))) return remove(name)
    await seen(found.place, name, found)
    return 0
  }

  return {
    isOfAllHosts: true,
    home: objects.url,
    looksAtOnce: LOOKS_AT_ONCE,
    sweepPauseMs: SWEEP_PAUSE_MS,
    locationOf: (_, name) => objects.urlOf(`${name}.eml`),
    has: async (place, name) => (await stat(place, name)) !== undefined,
    stat,
    async write(place, name, record, pipeRaw) {
      const late = AbortSignal.timeout(options.writeMs ?? WRITE_MS)
      await objects.upload(`${name}.eml`, pipeRaw, late)
      await objects.put(`${name}.json`, formatStored(place, record), late)
    },
    read: (_, name, firstBytes) => objects.read(`${name}.eml`, firstBytes),
    async record(place, name) {
      const found = await stored(name)
      return found?.record && { record: found.record, isOwn: found.place === place }
    },
    writeRecord: put,
    async hold(name, held, nowMs) {
      const found = await stored(name)
      const quarantinedAt = new Date(nowMs).toISOString()
      if (found?.place !== 'quarantine')
        await put('quarantine', name, found?.record && { ...found.record, quarantinedAt, held })
    },
    putBack: (name, record) => put('kept', name, record && { ...record, held: [] }),
    async remove(place, name) {
      if ((await stat(place, name)) === undefined) return false
      await remove(name)
      return true
    },
    names: async () => latestFirst(await all()),
    async sweep(sweepOptions) {
      const swept: Swept = { removed: 0, faults: [] }
      try {
        const { objects: listed, isEnd } = await objects.list(sweptTo)
        const byName = objectsByName(listed)
        // the two objects of a mail follow each other: those of the last one may be in two lists
        const last = isEnd || byName.size < 2 ? undefined : [...byName.keys()].at(-1)
        if (last !== undefined) byName.delete(last)
        sweptTo = isEnd ? undefined : last === undefined ? listed.at(-1)?.key : last
        for (const [name, one] of byName) await sweepInto(swept, () => sweepOne(name, one, sweepOptions))
      } catch (error) {
        swept.faults.push(errorMessage(error))
      }
      return swept
    },
    close: () => objects.close(),
  }

  /** Goes through the bucket. */
  async function all(): Promise<CountedMail[]> {
    const found: CountedMail[] = []
    let after: string | undefined
    do {
      const { objects: listed, isEnd } = await objects.list(after)
      for (const [name, { json }] of objectsByName(listed))
        if (json) found.push({ place: 'quarantine', name, atMs: json.atMs })
      after = isEnd ? undefined : listed.at(-1)?.key
    } while (after !== undefined)
    return found
  }
}

async function sweepInto(swept: Swept, work: () => Promise<number>): Promise<void> {
  try {
    swept.removed += await work()
  } catch (error) {
    swept.faults.push(errorMessage(error))
  }
}

function formatStored(place: MailPlace, record: QuarantineRecord | undefined): string {
  return JSON.stringify({ place, record: record ? (JSON.parse(formatRecord(record)) as unknown) : null })
}

/** A text that can't be read leaves the mail in the quarantine, where people see it. */
function parseStored(text: string): Stored {
  try {
    const value = JSON.parse(text) as { place?: unknown; record?: unknown }
    const place = MAIL_PLACES.find(one => one === value.place) ?? 'quarantine'
    return { place, record: parseRecord(JSON.stringify(value.record)) }
  } catch {
    return { place: 'quarantine', record: undefined }
  }
}

/** In the order of their keys. Other objects are left alone. */
function objectsByName(listed: readonly (S3Object & { key: string })[]): Map<string, Objects> {
  const byName = new Map<string, Objects>()
  for (const { key, ...object } of listed) {
    const [name = '', ending, ...more] = key.split('.')
    if (!isName(name) || (ending !== 'eml' && ending !== 'json') || more.length > 0) continue
    byName.set(name, { ...byName.get(name), [ending]: object })
  }
  return byName
}

function latestFirst(mails: readonly CountedMail[]): string[] {
  return mails
    .filter(({ place }) => place === 'quarantine')
    .toSorted((a, b) => b.atMs - a.atMs || (a.name < b.name ? -1 : 1))
    .map(({ name }) => name)
}
