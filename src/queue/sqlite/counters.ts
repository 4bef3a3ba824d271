// The counters' tables in the queue file. Every process adds to them, and any process can read them.
// All are limited: further values count as `other`, texts are cut, and the oldest rows are deleted.

import type { FallbackReason } from '../../config/settings'
import type { EpochMs } from '../../units'
import {
  actionOf,
  COUNTED,
  type Counted,
  type CountedName,
  type DecisionNote,
  type Labels,
  labelsKey,
  MOST_SETS,
  OTHER,
  RECENT_DECISIONS,
  type Reload,
  type ReloadState,
  type RuleHits,
  type Sum,
  storedAction,
  withOthers,
} from '../counters'
import type { Database, Row } from './database'
import { addOnlyRecipients } from './relay-signs'
import { text } from './rows'

/** Longer than any valid address (RFC 5321 section 4.5.3.1) or usual name. */
const LONGEST_TEXT = 512
/** A page of errors is enough to act on. */
const MOST_ERRORS = 50
/** States that are remembered: more than processes can be behind each other. */
const KNOWN_STATES = 50
/** Reading the files takes less, and they must be unchanged for longer before they are read. */
const READING_MS = 500

/** Within the caller's transaction. */
export function addAll(
  database: Database,
  { sums, hits, decisions, reloads, onlyRecipients }: Counted,
): void {
  for (const sum of sums) addSum(database, sum)
  for (const hit of hits) addHits(database, hit)
  for (const note of decisions) addDecision(database, note)
  if (decisions.length > 0) {
    database.run('DELETE FROM decision WHERE seq <= (SELECT MAX(seq) FROM decision) - ?', RECENT_DECISIONS)
  }
  for (const reload of reloads) addReload(database, reload)
  for (const one of onlyRecipients) addOnlyRecipients(database, one)
}

/**
 * Another process may have reported the state before: it counts once. An earlier state may come back, for example when
 * files are deleted; a process that is only behind has read it before the latest state was read.
 */
function addReload(database: Database, { atMs, state, errors }: Reload): void {
  const row = database.get(
    'SELECT *, CASE is_refused WHEN 1 THEN refused_ms ELSE taken_ms END AS latest_ms FROM reload',
  )
  if (row === undefined) database.run('INSERT INTO reload (one) VALUES (1)')
  const known = JSON.parse(text(row?.['known'] ?? '[]')) as string[]
  const isBehind = known.includes(state) && atMs <= Number(row?.['latest_ms']) + READING_MS
  if (known.at(-1) === state || isBehind) return
  const others = known.filter(one => one !== state)
  database.run('UPDATE reload SET known = ?', JSON.stringify([...others, state].slice(-KNOWN_STATES)))
  const isRefused = errors.length > 0
  addSum(database, { name: COUNTED.reloads, labels: { result: isRefused ? 'refused' : 'taken' }, value: 1 })
  if (isRefused) {
    const shown = JSON.stringify(errors.slice(0, MOST_ERRORS).map(cut))
    database.run('UPDATE reload SET refused_ms = ?, errors = ?, is_refused = 1', Math.round(atMs), shown)
  } else {
    database.run('UPDATE reload SET taken_ms = ?, is_refused = 0', Math.round(atMs))
  }
}

function addSum(database: Database, { name, labels, value }: Sum): void {
  const add = (of: Labels) =>
    database.run(
      'UPDATE counter SET value = value + ? WHERE name = ? AND labels = ?',
      value,
      name,
      labelsKey(of),
    )
  if (add(labels) > 0) return
  const row = database.get('SELECT COUNT(*) AS n FROM counter WHERE name = ?', name)
  const kept = Number(row?.['n'] ?? 0) < MOST_SETS ? labels : withOthers(labels)
  database.run(
    'INSERT INTO counter (name, labels, value) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET value = value + excluded.value',
    name,
    labelsKey(kept),
    value,
  )
}

function addHits(database: Database, { rule, hits, lastMs }: RuleHits): void {
  const isKnown = database.get('SELECT 1 FROM rule_hit WHERE rule = ?', rule) !== undefined
  const row = isKnown ? undefined : database.get('SELECT COUNT(*) AS n FROM rule_hit')
  database.run(
    `INSERT INTO rule_hit (rule, hits, last_ms) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET hits = hits + excluded.hits, last_ms = MAX(last_ms, excluded.last_ms)`,
    Number(row?.['n'] ?? 0) < MOST_SETS ? rule : OTHER,
    hits,
    Math.round(lastMs),
  )
}

function addDecision(database: Database, note: DecisionNote): void {
  database.run(
    `INSERT INTO decision (at_ms, ses_id, sender, recipient, rule, action, reason, detail, observed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    Math.round(note.atMs),
    note.sesId === undefined ? null : cut(note.sesId),
    note.sender === undefined ? null : cut(note.sender),
    cut(note.recipient),
    note.rule ?? '',
    storedAction(note),
    note.reason ?? '',
    cut(note.detail ?? ''),
    note.isObserved ? 1 : 0,
  )
}

function cut(value: string): string {
  return value.slice(0, LONGEST_TEXT)
}

/** All sums, also those that don't grow any more. */
export function sums(database: Database): Sum[] {
  return database.all('SELECT name, labels, value FROM counter').map(row => ({
    name: text(row['name']) as CountedName,
    labels: JSON.parse(text(row['labels'])) as Labels,
    value: Number(row['value']),
  }))
}

/** The largest first. Read as one text, as the driver is slow for each value of a row. */
export function ruleHits(database: Database): RuleHits[] {
  const row = database.get(
    `SELECT json_group_array(json_array(rule, hits, last_ms)) AS hits FROM (
       SELECT rule, hits, last_ms FROM rule_hit ORDER BY hits DESC, rule
     )`,
  )
  const hits = JSON.parse(text(row?.['hits'] ?? '[]')) as [rule: string, hits: number, lastMs: EpochMs][]
  return hits.map(([rule, number, lastMs]) => ({ rule, hits: number, lastMs }))
}

/** Latest first. */
export function recentDecisions(database: Database, limit = RECENT_DECISIONS): DecisionNote[] {
  return database.all('SELECT * FROM decision ORDER BY at_ms DESC, seq DESC LIMIT ?', limit).map(noteOf)
}

function noteOf(row: Row): DecisionNote {
  const [rule, reason, detail] = [text(row['rule']), text(row['reason']), text(row['detail'])]
  return {
    atMs: Number(row['at_ms']),
    ...(typeof row['ses_id'] === 'string' && { sesId: row['ses_id'] }),
    ...(typeof row['sender'] === 'string' && { sender: row['sender'] }),
    recipient: text(row['recipient']),
    ...(rule !== '' && { rule }),
    ...actionOf(text(row['action'])),
    ...(reason !== '' && { reason: reason as FallbackReason }),
    ...(detail !== '' && { detail }),
    isObserved: row['observed'] === 1,
  }
}

export function reloadState(database: Database): ReloadState {
  const row = database.get('SELECT * FROM reload')
  const { taken_ms: takenMs, refused_ms: refusedMs, errors } = row ?? {}
  return {
    ...(typeof takenMs === 'number' && { takenMs }),
    ...(typeof refusedMs === 'number' && {
      refused: { atMs: refusedMs, errors: JSON.parse(text(errors ?? '[]')) as string[] },
    }),
    isRefused: row?.['is_refused'] === 1,
  }
}
