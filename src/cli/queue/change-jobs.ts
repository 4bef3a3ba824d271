// `queue retry`, `cancel` and `hold`: for jobs by their ids, or for all that match a filter. Each change is shown, and
// the exit code is 1 if one of them was refused.

import { changeJobs } from '../../app/operator-actions'
import { jsonText } from '../../json'
import { lastMomentMs, statesFor } from '../../queue/by-hand'
import { JOB_STATES, type Job, type JobState } from '../../queue/job'
import type { ByHand, JobAction, JobQuery, OperatorQueue } from '../../queue/operator'
import { UsageError } from '../command-line'
import { count } from '../explain/words'
import { filterText } from './filter-text'
import { jobTable } from './list'
import { operatorOf, type Run } from './run'
import { Picture } from './watch'

export interface ChangeOptions {
  dryRun: boolean
  /** Changes the jobs without asking. */
  yes: boolean
  /** The reason for the audit and the history. */
  because?: string
}

/** The jobs shown of a dry run, and of those that were not changed. */
const SHOWN = 20
/** Jobs that one question to the queue asks for. */
const PAGE = 500

const DONE: Readonly<Record<JobAction, string>> = { retry: 'queued again', cancel: 'cancelled', hold: 'held' }

export async function changeById(
  run: Run,
  action: JobAction,
  ids: readonly string[],
  { because }: Pick<ChangeOptions, 'because'>,
): Promise<number> {
  let code = 0
  const target = `${ids.length === 1 ? 'job' : 'jobs'} ${ids.join(', ')}`
  await changeJobs(
    operatorOf(run, because),
    { action, ids, target },
    {
      nowMs: run.nowMs,
      sleep: ms => run.sleep(ms),
      done: (some, results) => {
        for (const [index, id] of some.entries()) {
          const result = results[index]
          if (result === undefined) continue
          if ('fault' in result) code = 1
          run.out.line(run.json ? resultJson(id, result) : resultLine(id, result))
        }
      },
    },
  )
  return code
}

function resultJson(id: string, result: ByHand): string {
  return jsonText(
    'value' in result ? { id, done: true, ...result.value } : { id, done: false, why: result.fault },
  )
}

function resultLine(id: string, result: ByHand): string {
  return 'value' in result
    ? `${id}: ${result.value.to}, it was ${result.value.from}`
    : `${id}: not changed: ${result.fault}`
}

interface Found {
  id: string
  deadlineMs: number
}

/** @throws UsageError */
export async function changeByFilter(
  run: Run,
  action: JobAction,
  query: JobQuery,
  options: ChangeOptions,
): Promise<number> {
  const { out, json, ask } = run
  const wanted = withStates(query, action)
  if (!options.dryRun && !options.yes && ask === undefined)
    throw new UsageError('a filter needs --yes where nobody can be asked; --dry-run shows the jobs')
  const { found, states, tooLate, first } = await find(run, wanted)
  const jobs = count(found.length, 'job')
  const byState = JOB_STATES.flatMap(state =>
    states[state] > 0 ? [`${number(states[state])} ${state}`] : [],
  )
  const late = action === 'retry' && tooLate > 0 ? `; of ${number(tooLate)} the window has ended` : ''
  if (options.dryRun) {
    if (json)
      out.line(
        jsonText({
          dryRun: true,
          action,
          jobs: found.length,
          states,
          ...(action === 'retry' && { tooLate }),
        }),
      )
    else {
      jobTable(first, run)
      if (found.length > first.length) out.line(`and ${number(found.length - first.length)} more`)
      out.line(`${jobs} would be ${DONE[action]}${listed(byState)}${late}. Nothing was changed.`)
    }
    return 0
  }
  if (found.length === 0) {
    if (!json) out.line('no such jobs')
    return 0
  }
  if (!options.yes && ask !== undefined) {
    const answer = (await ask(`${capital(action)} ${jobs}${listed(byState)}${late}? [y/N] `))
      .trim()
      .toLowerCase()
    if (!['y', 'yes', String(found.length)].includes(answer)) {
      out.line('Nothing was changed.')
      return 1
    }
  }
  return changeFound(run, action, found, { target: filterText(wanted), ...options })
}

async function changeFound(
  run: Run,
  action: JobAction,
  found: readonly Found[],
  { target, because }: { target: string; because?: string },
): Promise<number> {
  const { out, json, screen } = run
  // the ones that have least time are queued again first
  const ids = found.toSorted((a, b) => a.deadlineMs - b.deadlineMs).map(({ id }) => id)
  const picture = screen && !json ? new Picture(screen) : undefined
  let [looked, changed, refused] = [0, 0, 0]
  const told: string[] = []
  await changeJobs(
    operatorOf(run, because),
    { action, ids, target },
    {
      nowMs: run.nowMs,
      sleep: ms => run.sleep(ms),
      done: (some, results) => {
        looked += some.length
        for (const [index, id] of some.entries()) {
          const result = results[index]
          if (result === undefined) continue
          if ('value' in result) changed += 1
          else refused += 1
          if (json) out.line(resultJson(id, result))
          else if ('fault' in result && refused <= SHOWN) told.push(resultLine(id, result))
        }
        if (ids.length > some.length) picture?.draw([`${number(looked)} of ${number(ids.length)}`])
      },
    },
  )
  if (json) return refused > 0 ? 1 : 0
  for (const line of told) out.line(line)
  if (refused > SHOWN) out.line(`and ${number(refused - SHOWN)} more were not changed; --json shows each`)
  out.line(`${number(changed)} of ${count(ids.length, 'job')} ${DONE[action]}.`)
  return refused > 0 ? 1 : 0
}

/** Only states from which the action is possible. @throws UsageError */
function withStates(query: JobQuery, action: JobAction): JobQuery {
  const possible = statesFor(action)
  const { states = possible } = query
  const other = states.find(state => !possible.includes(state))
  if (other === undefined) return { ...query, states }
  throw new UsageError(`${action} is for jobs that are ${possible.join(', ')}, not ${other}`)
}

/** Holds the ids only. */
async function find(
  { place: { queue, pace }, nowMs }: Run,
  query: JobQuery,
): Promise<{ found: Found[]; states: Record<JobState, number>; tooLate: number; first: Job[] }> {
  const found: Found[] = []
  const first: Job[] = []
  const states = Object.fromEntries(JOB_STATES.map(state => [state, 0])) as Record<JobState, number>
  let tooLate = 0
  // the first of a list are those that `queue list` shows with the same filter
  for await (const job of query.limit === undefined ? pagesOf(queue, query) : queue.jobs(query)) {
    found.push({ id: job.id, deadlineMs: job.deadlineMs })
    states[job.state] += 1
    if (lastMomentMs(job, pace) < nowMs()) tooLate += 1
    if (first.length < SHOWN) first.push(job)
  }
  return { found, states, tooLate, first }
}

/** A page looks at a limited number of jobs, so nothing waits for this. */
async function* pagesOf(queue: OperatorQueue, query: JobQuery): AsyncIterableIterator<Job> {
  let before: number | undefined
  do {
    const page = await queue.page({ ...query, limit: PAGE, ...(before !== undefined && { before }) })
    yield* page.jobs
    before = page.next
  } while (before !== undefined)
}

function listed(texts: readonly string[]): string {
  return texts.length === 0 ? '' : ` (${texts.join(', ')})`
}

function number(value: number): string {
  return value.toLocaleString('en-US')
}

function capital(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1)
}
