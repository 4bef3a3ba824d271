// The queued jobs of each region by the second of their deadline, summed up in a tree of four levels, so that neither
// the forecast for a new job nor the upkeep costs more with a long queue.
// Triggers in schema.sql keep it: no writer of the file can forget to. Each change of a job touches one slot a level.

import { SLOT_MS } from '../forecast'
import type { Ahead } from '../store'
import type { Database } from './database'
import { text } from './rows'

/** A slot of a level holds so many of the level below. The triggers have the same figures, frozen. */
const BRANCHES = 16
/** From the second up to an hour and a bit, of which a window of 24 hours has 22. */
export const SPANS_MS = [0, 1, 2, 3].map(level => SLOT_MS * BRANCHES ** level)
export const TOP_MS = SPANS_MS.at(-1) ?? SLOT_MS
/** Those that hold others. */
const HIGHER_MS = SPANS_MS.slice(1)

/** `slots`: of a level, within one of the level above, with a spacing. With what is least in each. */
function withLeast(spanMs: number, slots: string): string {
  const least = spanMs === SLOT_MS ? 'at_ms - spacing * (SUM(jobs) OVER (ORDER BY at_ms) - 1)' : 'least_ms'
  return `SELECT *, ${least} AS least FROM (${slots})`
}

/** All slots of a level in a region: from those below them, then with what is before them. Statements. */
function summedUp(spanMs: number): string[] {
  const isLowest = spanMs / BRANCHES === SLOT_MS
  // in one go and in the order of the key: to begin anew in each slot would sort a day of seconds
  const before = '(SUM(jobs) OVER (PARTITION BY region ORDER BY at_ms) - jobs)'
  const below = `SELECT *, ${startOf('at_ms', spanMs)} AS at, ${isLowest ? before : '0'} AS before
      FROM slot WHERE span_ms = ${spanMs / BRANCHES} AND region = ?`
  const least = isLowest
    ? 'MIN(at_ms - spacing_ms * (before + jobs - 1)) + spacing_ms * MIN(before)'
    : 'MIN(least_ms)'
  const parent = spanMs === TOP_MS ? '0' : startOf('at_ms', spanMs * BRANCHES)
  return [
    `DELETE FROM slot WHERE span_ms = ${spanMs} AND region = ?`,
    `INSERT INTO slot SELECT below.region, ${spanMs}, at, SUM(jobs), ${least}
       FROM (${below}) AS below JOIN region ON region.name = below.region GROUP BY below.region, at`,
    `INSERT OR REPLACE INTO slot SELECT region, ${spanMs}, at_ms, jobs, least_ms - spacing * before FROM (
       SELECT slot.region, at_ms, jobs, least_ms, spacing_ms AS spacing,
         SUM(jobs) OVER (PARTITION BY slot.region, ${parent} ORDER BY at_ms) - jobs AS before
       FROM slot JOIN region ON region.name = slot.region WHERE span_ms = ${spanMs} AND region = ?)`,
  ]
}

function startOf(ms: string, spanMs: number): string {
  return `(${ms} - ${ms} % ${spanMs})`
}

/** What a job with that deadline would find: from the top down, one slot of each level is looked into. */
export function waiting(
  database: Database,
  region: string,
  deadlineMs: number,
): Omit<Ahead, 'sinceLastStartMs'> {
  const row = database.get('SELECT spacing_ms FROM region WHERE name = ?', region)
  const spacingMs = Number(row?.['spacing_ms'] ?? 0)
  let jobs = 0
  let laterMs = Number.POSITIVE_INFINITY
  for (const spanMs of SPANS_MS.toReversed()) {
    const [fromMs, endMs] = spanMs === TOP_MS ? EVER : slotAt(deadlineMs, spanMs * BRANCHES)
    const [ownMs] = slotAt(deadlineMs, spanMs)
    const found = database.get(look(spanMs), region, spanMs, fromMs, endMs, ownMs, spacingMs)
    if (typeof found?.['later'] === 'number') laterMs = Math.min(laterMs, found['later'] - spacingMs * jobs)
    jobs += Number(found?.['before'] ?? 0)
    // those of its own second go before it
    if (spanMs === SLOT_MS) jobs += Number(found?.['own'] ?? 0)
  }
  return { jobs, laterMs, spacingMs }
}

const EVER = [0, Number.MAX_SAFE_INTEGER] as const

/** The slots beside its own, on one level and in one slot of the level above. */
const BESIDE =
  'SELECT *, ?6 AS spacing FROM slot WHERE region = ?1 AND span_ms = ?2 AND at_ms >= ?3 AND at_ms < ?4'

function look(spanMs: number): string {
  return `SELECT SUM(jobs) FILTER (WHERE at_ms < ?5) AS before, SUM(jobs) FILTER (WHERE at_ms = ?5) AS own,
    MIN(least) FILTER (WHERE at_ms > ?5) AS later FROM (${withLeast(spanMs, BESIDE)})`
}

function slotAt(deadlineMs: number, spanMs: number): readonly [fromMs: number, endMs: number] {
  const fromMs = deadlineMs - (deadlineMs % spanMs)
  return [fromMs, fromMs + spanMs]
}

export interface Slot {
  atMs: number
  jobs: number
  /** The least of its jobs' deadlines, less spacingMs for each that goes before within it. */
  leastMs: number
  spacingMs: number
}

/** Of a level above the lowest, within one slot of any level above it, soonest first. */
export function slotsOf(
  database: Database,
  region: string,
): (spanMs: number, fromMs: number, endMs: number) => Slot[] {
  const row = database.get('SELECT spacing_ms FROM region WHERE name = ?', region)
  const spacingMs = Number(row?.['spacing_ms'] ?? 0)
  return (spanMs, fromMs, endMs) => {
    // as one text: a row for each of hundreds costs three times as much
    const found = database.get(
      `SELECT json_group_array(json_array(at_ms, jobs, least_ms)) AS slots FROM (
         SELECT at_ms, jobs, least_ms FROM slot
         WHERE region = ? AND span_ms = ? AND at_ms >= ? AND at_ms < ? ORDER BY at_ms)`,
      region,
      spanMs,
      fromMs,
      endMs,
    )
    const slots = JSON.parse(text(found?.['slots'])) as [atMs: number, jobs: number, leastMs: number][]
    const parentMs = spanMs === TOP_MS ? Number.MAX_SAFE_INTEGER : spanMs * BRANCHES
    let before = 0
    let parent = 0
    return slots.map(([atMs, jobs, keptMs]) => {
      if (atMs >= parent + parentMs) {
        before = 0
        parent = atMs - (atMs % parentMs)
      }
      const leastMs = keptMs + spacingMs * before
      before += jobs
      return { atMs, jobs, leastMs, spacingMs }
    })
  }
}

/** When a region's pace is set anew, its tree is summed up again. Within the caller's transaction. */
export function setSpacing(database: Database, region: string, spacingMs: number): void {
  database.run('UPDATE region SET spacing_ms = ? WHERE name = ?', spacingMs, region)
  for (const statement of HIGHER_MS.flatMap(summedUp)) {
    database.run(statement, region)
  }
}
