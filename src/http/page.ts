// The status page: plain HTML, made from the store, so the same from every worker. Without the token it shows only
// numbers. A fault of the store gives 503. Only page-actions.ts changes anything.

import { paceOf } from '../app/operator-actions'
import { queueStats } from '../app/queue-stats'
import { verdictSettings } from '../app/verdict-settings'
import { JOB_STATES } from '../queue/job'
import type { JobPage, QueueReader } from '../queue/operator'
import { relayWarnings } from '../queue/relay-signs'
import { verdictOf, withoutReasons } from '../queue/verdict'
import { ICON } from './assets/icon'
import { SCRIPT } from './assets/script'
import { STYLE } from './assets/style'
import { QUARANTINE_STYLE } from './assets/style-quarantine'
import { html } from './html'
import { actionRoutes } from './page-actions'
import { jobReply, notFound, ofTrusted, viewOf } from './page-auth'
import { Kept } from './page-cache'
import { activityUntil, charts } from './page-chart'
import { decisions, recipientOf, type ShownDecision } from './page-decisions'
import { lostMain, searchMain, stateMain } from './page-found'
import { page, type View } from './page-layout'
import { refusals } from './page-refusals'
import { regions } from './page-regions'
import { deadlines, lastReload, rules } from './page-sections'
import { type Status, statusSection } from './page-summary'
import type { Reply } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import type { HttpContext } from './routes'

const SOONEST = 20
const SHOWN_DECISIONS = 30
/** The spans of the last hour, and the present one. */
const HOUR_SPANS = 13
const MOST_FOUND = 50
const MOST_LOST = 200
const HOUR_MS = 3_600_000
/** Longer than any value that could be found. */
const LONGEST_ASKED = 400

export function pageRoutes(context: HttpContext): Route[] {
  const kept = { operate: new Kept(), read: new Kept(), others: new Kept() }
  const get = (path: string, answer: Route['answer']): Route => ({
    method: 'GET',
    path,
    access: 'open',
    answer,
  })
  return [
    get('/', async request => {
      const view = await viewOf(request, context)
      return first(view, context, view.mayOperate ? kept.operate : view.isTrusted ? kept.read : kept.others)
    }),
    get('/page.css', () => asset('text/css', STYLE + QUARANTINE_STYLE)),
    get('/page.js', () => asset('text/javascript', SCRIPT)),
    get('/icon.svg', () => asset('image/svg+xml', ICON)),
    get('/jobs/:id', request => ofTrusted(request, context, view => jobPage(request, view, context))),
    get('/lost', request => ofTrusted(request, context, view => lost(request, view, context))),
    get('/search', request => ofTrusted(request, context, view => search(request, view, context))),
    ...actionRoutes(context),
  ]
}

/** It shows times to the second. */
async function first(view: View, context: HttpContext, kept: Kept): Promise<Reply> {
  const operator = await context.operator()
  const [nowMs, nowMonoMs] = [view.nowMs, context.nowMonoMs()].map(ms => Math.floor(ms / 1000) * 1000)
  const of = [await operator.version(), nowMs, nowMonoMs, context.activeConfig(), view.hasToken]
  return kept.reply(of, () => firstAt(view, operator, context))
}

async function firstAt(view: View, reader: QueueReader, context: HttpContext): Promise<Reply> {
  const { settings, policy } = context.activeConfig()
  const stats = await queueStats(reader, { ms: view.nowMs, monoMs: context.nowMonoMs() }, paceOf(settings))
  const { buckets, waiting } = await activityUntil(view.nowMs, reader)
  // counted only where there is something to count
  const hasLost = buckets.slice(-HOUR_SPANS).some(({ others }) => others > 0)
  const { all: lost } = hasLost ? await reader.lostSince(view.nowMs - HOUR_MS, 0) : { all: 0 }
  const now: Status = {
    stats,
    lost,
    mailLimitBytes: settings.quarantine.limitBytes,
    relayWarnings: relayWarnings(await reader.relaySigns(view.nowMs), settings.relay.recipients),
    surges: context.surges(),
    verdict: verdictOf(view.isTrusted ? stats : withoutReasons(stats), verdictSettings(settings), view.nowMs),
  }
  const main = html`${statusSection(view, now)}
${regions(view, now)}
${charts(buckets, waiting, await reader.deadlineBuckets(), view.nowMs)}
${deadlines(view, await reader.soonest(SOONEST))}
${decisions(view, await latestDecisions(reader))}
${refusals(view, await reader.sums())}
${rules(
  view,
  await reader.ruleHits(),
  policy.rules.map(({ name }) => name),
)}
${lastReload(view, stats.reload)}`
  return page(200, view, { title: now.verdict.line, main })
}

async function latestDecisions(reader: QueueReader): Promise<ShownDecision[]> {
  const notes = await reader.decisions(SHOWN_DECISIONS)
  const mailed = notes.filter(note => recipientOf(note) !== undefined)
  const states = await reader.statesOf(mailed.flatMap(note => recipientOf(note) ?? []))
  const jobOf = new Map(mailed.map((note, index) => [note, states[index]]))
  return notes.map(note => {
    const job = jobOf.get(note)
    return job === undefined ? note : { ...note, job }
  })
}

async function jobPage({ params }: Request, view: View, context: HttpContext): Promise<Reply> {
  const operator = await context.operator()
  const job = await operator.job(params['id'] ?? '')
  return job === undefined ? notFound(view) : jobReply(200, view, job, context)
}

async function search({ query }: Request, view: View, context: HttpContext): Promise<Reply> {
  const operator = await context.operator()
  const state = JOB_STATES.find(one => one === query.get('state'))
  if (state !== undefined) {
    const before = placeOf(query.get('before'))
    const found = await operator.page({
      states: [state],
      limit: MOST_FOUND,
      ...(before !== undefined && { before }),
    })
    const { settings } = context.activeConfig()
    const now = { ms: view.nowMs, monoMs: context.nowMonoMs() }
    const { states } = await operator.stats(now, paceOf(settings))
    const main = stateMain(view, state, { ...found, all: states[state], isFirst: before === undefined })
    return page(200, view, { title: `Jobs ${state}`, main })
  }
  const asked = (query.get('q') ?? '').trim().slice(0, LONGEST_ASKED)
  return page(200, view, { title: 'Search', main: searchMain(view, asked, await found(asked, operator)) })
}

/** The number of a page of jobs, as the link to it has it. */
function placeOf(given: string | null): number | undefined {
  return given !== null && /^\d{1,15}$/.test(given) ? Number(given) : undefined
}

async function lost({ query }: Request, view: View, context: HttpContext): Promise<Reply> {
  const given = Date.parse(query.get('since') ?? '')
  const sinceMs = Number.isNaN(given) ? view.nowMs - HOUR_MS : given
  const operator = await context.operator()
  const main = lostMain(view, sinceMs, await operator.lostSince(sinceMs, MOST_LOST))
  return page(200, view, { title: 'Jobs without a bounce', main })
}

async function found(asked: string, operator: QueueReader): Promise<JobPage> {
  if (asked === '') return { jobs: [] }
  if (!asked.includes('@')) {
    const job = await operator.job(asked)
    return job === undefined ? operator.page({ sesId: asked, limit: MOST_FOUND }) : { jobs: [job] }
  }
  const filters = [...(asked.startsWith('@') ? [] : [{ recipient: asked }]), { sender: asked }]
  const pages: JobPage[] = []
  for (const filter of filters) pages.push(await operator.page({ ...filter, limit: MOST_FOUND }))
  const jobs = new Map(pages.flatMap(one => one.jobs).map(job => [job.id, job]))
  const next = pages.map(one => one.next).find(one => one !== undefined)
  return {
    jobs: [...jobs.values()].toSorted((one, other) => other.createdAtMs - one.createdAtMs),
    ...(next !== undefined && { next }),
  }
}

function asset(type: string, body: string): Reply {
  return { status: 200, headers: { 'Content-Type': `${type}; charset=utf-8` }, body }
}
