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
import { charts, spansUntil } from './page-chart'
import { searchMain, stateMain } from './page-job'
import { page, type View } from './page-layout'
import { refusals } from './page-refusals'
import { deadlines, decisions, lastReload, rules } from './page-sections'
import { regions, type Status, statusSection } from './page-summary'
import type { Reply } from './reply'
import type { Request } from './request'
import type { Route } from './router'
import type { HttpContext } from './routes'

const SOONEST = 20
const SHOWN_DECISIONS = 30
/** The spans of the last hour, and the present one. */
const HOUR_SPANS = 13
const MOST_FOUND = 50
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
  const { settings, policy, idle } = context.activeConfig()
  const stats = await queueStats(reader, { ms: view.nowMs, monoMs: context.nowMonoMs() }, paceOf(settings))
  const past = await spansUntil(view.nowMs, reader)
  const now: Status = {
    stats,
    lost: past.slice(-HOUR_SPANS).reduce((sum, { others }) => sum + others, 0),
    mailLimitBytes: settings.quarantine.limitBytes,
    isIdle: idle,
    isObserving: settings.main.mode === 'observe',
    relayWarnings: relayWarnings(await reader.relaySigns(view.nowMs), settings.relay.recipients),
    surges: context.surges(),
    verdict: verdictOf(view.isTrusted ? stats : withoutReasons(stats), verdictSettings(settings), view.nowMs),
  }
  const { queued, sending, held } = stats.states
  const main = html`${statusSection(view, now)}
${regions(view, now)}
${charts(past, queued + sending + held, await reader.deadlineBuckets(), view.nowMs)}
${deadlines(view, await reader.soonest(SOONEST))}
${decisions(view, await reader.decisions(SHOWN_DECISIONS))}
${refusals(view, await reader.sums())}
${rules(
  view,
  await reader.ruleHits(),
  policy.rules.map(({ name }) => name),
)}
${lastReload(view, stats.reload)}`
  return page(200, view, { title: now.verdict.line, main })
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
    const jobs = await operator.page({ states: [state], limit: MOST_FOUND })
    return page(200, view, { title: `Jobs ${state}`, main: stateMain(view, state, jobs) })
  }
  const asked = (query.get('q') ?? '').trim().slice(0, LONGEST_ASKED)
  return page(200, view, { title: 'Search', main: searchMain(view, asked, await found(asked, operator)) })
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
