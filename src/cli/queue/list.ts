// `queue list`: the jobs as a table, or for programs as an object a line. Nothing of an address is cut.

import { setImmediate } from 'node:timers/promises'
import { jobJson } from '../../app/job-json'
import { jsonText } from '../../json'
import type { Job } from '../../queue/job'
import type { JobQuery } from '../../queue/operator'
import type { EpochMs } from '../../units'
import { Table } from '../table'
import type { Run } from './run'

/** Lines between two checks whether the output is still read. */
const AT_ONCE = 500
/** The most on a terminal; a pipe gets all. */
const SHOWN_RECIPIENTS = 3
const SHOWN_REASON = 100

const HEADS = ['ID', 'STATE', 'REGION', 'CHANGED', 'DEADLINE', 'SENDER', 'RECIPIENTS', 'RULE', 'REASON']

export async function listJobs({ place, out, json, screen }: Run, query: JobQuery): Promise<number> {
  const table = new Table(HEADS, text => out.line(text))
  let written = 0
  for await (const job of place.queue.jobs(query)) {
    if (json) out.line(jsonText(jobJson(job)))
    else table.row(jobCells(job, screen !== undefined))
    written++
    // a closed pipe is noticed between two turns of the event loop
    if (written % AT_ONCE === 0) await setImmediate()
  }
  table.end()
  if (written === 0 && !json) out.line('no such jobs')
  return 0
}

export function jobTable(jobs: readonly Job[], { out, screen }: Pick<Run, 'out' | 'screen'>): void {
  const table = new Table(HEADS, text => out.line(text))
  for (const job of jobs) table.row(jobCells(job, screen !== undefined))
  table.end()
}

function jobCells(job: Job, isTerminal: boolean): string[] {
  const { id, state, region, changedAtMs, deadlineMs, sender, recipients, reason = '' } = job
  const shown = isTerminal ? recipients.slice(0, SHOWN_RECIPIENTS) : recipients
  const more = recipients.length - shown.length
  const rules = [...new Set(recipients.map(({ rule }) => rule))]
  return [
    id,
    state,
    region,
    timeCell(changedAtMs),
    timeCell(deadlineMs),
    wholeAddress(sender),
    shown.map(({ address }) => wholeAddress(address)).join(',') + (more > 0 ? `,+${more}` : ''),
    rules.map(rule => (/^[^\s,"]+$/.test(rule) ? rule : JSON.stringify(rule))).join(','),
    state === 'sent'
      ? ''
      : isTerminal && reason.length > SHOWN_REASON
        ? `${reason.slice(0, SHOWN_REASON)}...`
        : reason,
  ]
}

/** `2026-11-26T03:12:05Z` */
export function timeCell(ms: EpochMs): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`
}

/** One word. */
function wholeAddress(address: string): string {
  if (address === '') return '<>'
  return /^[^\s",;]+$/u.test(address) ? address : JSON.stringify(address)
}
