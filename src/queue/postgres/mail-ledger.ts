// The ledger of stored mail, in the database. Triggers keep its sums, and note mail whose jobs have changed.
// `home`: the store of the mail. Stores have separate counts.

import { addressKey } from '../../mail/address'
import type { EpochMs } from '../../units'
import type { JobState } from '../job'
import {
  type Full,
  isBeingRemoved,
  type KeptRecipient,
  letGoOf,
  listStart,
  MAIL_PLACES,
  type MailFile,
  type MailLedger,
  type MailPlace,
  SENDER_SHARE,
  type StoredMail,
} from '../mail-ledger'
import { type ConnectionOptions, openConnection, type PostgresConnection, type Row } from './connection'
import { type PostgresTarget, placeOf } from './target'

export function openMailLedger(
  target: PostgresTarget,
  { home, ...options }: ConnectionOptions & { home: string },
): MailLedger {
  const connection = openConnection(target, options)
  return { ...mailLedger(connection, home), close: () => connection.close() }
}

/** The ledger on the caller's connections. */
export function mailLedger(connection: PostgresConnection, home: string): Omit<MailLedger, 'close'> {
  const { schema } = connection
  const change = async (changes: Record<string, unknown>) => {
    await connection.call('change_mail_files_1', { home, ...changes })
  }
  let lookedAt = 0
  return {
    reserve: async (files, senderKey, limitBytes, nowMs) => {
      const answer = await connection.call<{ full?: Full; removing?: true }>('reserve_mail_1', {
        home,
        files,
        sender_key: senderKey,
        limit: limitBytes,
        sender_limit: limitBytes * SENDER_SHARE,
        now_ms: Math.round(nowMs),
      })
      if (answer.removing) throw isBeingRemoved(placeOf(connection.target))
      return answer.full
    },
    startRemoval: (files, nowMs) =>
      connection.call('start_removal_1', { home, files, now_ms: Math.round(nowMs) }),
    endRemoval: files => change({ remove: files.map(file => ({ ...file, marked: true })) }),
    totals: () => mailTotals(connection, home),
    // a look is one cheap query: there is no number that says whether anything was written
    version: () => ++lookedAt,
    due: async (afterName, limit) => {
      const rows = await connection.rows(
        `SELECT name, changes, since_ms FROM ${schema}.kept_due WHERE name > $1 ORDER BY name LIMIT $2`,
        [afterName, limit],
      )
      return rows.map(row => ({
        name: String(row['name']),
        changes: Number(row['changes']),
        sinceMs: Number(row['since_ms']),
      }))
    },
    settled: (name, changes, isDeleted = false) =>
      change({
        settled: { name, changes },
        ...(isDeleted && { remove: MAIL_PLACES.map(place => ({ place, name })) }),
      }),
    recipientsOf: async name => (await recipientsOf(connection, name)).map(({ recipient }) => recipient),
    isElsewhere: async name => {
      const rows = await connection.rows(
        `SELECT FROM ${schema}.mail_file WHERE name = $1 AND home <> $2 LIMIT 1`,
        [name, home],
      )
      return rows.length > 0
    },
    files: async (after, limit) => {
      const rows = await connection.rows(
        `SELECT place, name, bytes, at_ms, removing_ms FROM ${schema}.mail_file
         WHERE home = $1 AND (place, name) > ($2, $3) ORDER BY place, name LIMIT $4`,
        [home, after?.place ?? '', after?.name ?? '', limit],
      )
      return rows.map(fileOf)
    },
    latest: async range => {
      const { atMs, name } = listStart(range)
      const rows = await connection.rows(
        `SELECT place, name, bytes, at_ms, removing_ms FROM ${schema}.mail_file
         WHERE home = $1 AND place = 'quarantine' AND (at_ms, name) < ($2, $3) AND at_ms >= $4 AND removing_ms IS NULL
         ORDER BY at_ms DESC, name DESC LIMIT $5`,
        [home, Math.ceil(atMs), name, Math.ceil(range.sinceMs ?? 0), range.limit],
      )
      return rows.map(fileOf)
    },
    found: async ({ place, name, bytes }, senderKey, atMs) => {
      const [row] = await connection.rows(
        `SELECT bytes, sender_key, removing_ms FROM ${schema}.mail_file WHERE home = $1 AND place = $2 AND name = $3`,
        [home, place, name],
      )
      if (row?.['bytes'] === bytes || typeof row?.['removing_ms'] === 'number') return
      const key = row === undefined ? await senderKey() : String(row['sender_key'])
      await change({ set: { place, name, bytes, sender_key: key, at_ms: Math.round(atMs) } })
    },
    gone: ({ place, name }) => change({ remove: [{ place, name }] }),
    moved: (name, nowMs) =>
      change({ move: { name, from: 'kept', to: 'quarantine', at_ms: Math.round(nowMs) } }),
    putBack: name => change({ move: { name, from: 'quarantine', to: 'kept' } }),
    letGo: (name, addresses, nowMs) => letGo(connection, name, addresses, nowMs),
    madeMs: async () => {
      const [row] = await connection.rows(`SELECT made_ms FROM ${schema}.meta`)
      return Number(row?.['made_ms'] ?? 0)
    },
  }
}

export async function mailTotals(
  connection: PostgresConnection,
  home: string,
): Promise<Record<MailPlace, StoredMail>> {
  const rows = await connection.rows(
    `SELECT place, bytes, mails FROM ${connection.schema}.mail_total WHERE home = $1`,
    [home],
  )
  const totalOf = (place: MailPlace): StoredMail => {
    const row = rows.find(one => one['place'] === place)
    return { bytes: Number(row?.['bytes'] ?? 0), mails: Number(row?.['mails'] ?? 0) }
  }
  return { kept: totalOf('kept'), quarantine: totalOf('quarantine') }
}

function fileOf(row: Row): MailFile & { atMs: EpochMs; removingMs?: EpochMs } {
  const { place, name, bytes, at_ms: atMs, removing_ms: removingMs } = row
  return {
    place: place as MailPlace,
    name: String(name),
    bytes: Number(bytes),
    atMs: Number(atMs),
    ...(typeof removingMs === 'number' && { removingMs }),
  }
}

/** Decides by the rows that were read, and reads them again if they have changed meanwhile. */
async function letGo(
  connection: PostgresConnection,
  name: string,
  addresses: readonly string[] | undefined,
  nowMs: EpochMs,
): Promise<boolean> {
  for (;;) {
    const found = await recipientsOf(connection, name)
    const { gone, isDue } = letGoOf(
      found.map(({ recipient }) => recipient),
      addresses,
    )
    const answer = await connection.call<boolean | null>('let_go_1', {
      name,
      states: found.map(({ key, recipient }) => [key, recipient.state]),
      gone: gone.map(({ address }) => addressKey(address)),
      due: isDue,
      now_ms: Math.round(nowMs),
    })
    if (answer !== null) return answer
  }
}

async function recipientsOf(
  connection: PostgresConnection,
  name: string,
): Promise<{ key: string; recipient: KeptRecipient }[]> {
  const { schema } = connection
  const found = await connection.rows(
    `SELECT address_key, address, rule, job.id, job.state, job.reason, unconfirmed
     FROM ${schema}.recipient JOIN ${schema}.job ON job.seq = recipient.job WHERE kept = $1 ORDER BY address_key`,
    [name],
  )
  return found.map(row => ({
    key: String(row['address_key']),
    recipient: {
      address: String(row['address']),
      rule: String(row['rule']),
      jobId: String(row['id']),
      state: row['state'] as JobState,
      why: (row['reason'] as string | null) ?? '',
      isUnconfirmed: row['unconfirmed'] === 2,
    },
  }))
}
