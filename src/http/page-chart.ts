// Two charts of the queue as SVG: ended and waiting jobs of the last hours, and the deadlines of the waiting ones.
// Pure. They hold only numbers, so they are public.

import type { QueueReader } from '../queue/operator'
import { ACTIVITY_BUCKET_MS, type ActivityBucket, type DeadlineBucket } from '../queue/stats'
import type { EpochMs } from '../units'
import { type Html, html } from './html'
import { count } from './page-layout'

/** Three hours. */
export const SPANS = 36
/** The width of a time of day, in the units of the chart. */
const LABEL_WIDTH = 40
const LABEL_EVERY_MS = 1_800_000
/** 3 to 2, so that both have the same height side by side on a wide screen. */
const WIDTHS = { past: 720, ahead: 480 }
const HEIGHT = 200
const FOOT = 20
const HEAD = 24
const HOUR_MS = 3_600_000
/** SES accepts no bounce later. */
const AHEAD_MS = 24 * HOUR_MS

/** The buckets up to now, oldest first; the last isn't over yet. @throws QueueError */
export async function activityUntil(
  nowMs: EpochMs,
  reader: Pick<QueueReader, 'activity'>,
): Promise<{ buckets: ActivityBucket[]; waiting: number }> {
  const lastMs = nowMs - (nowMs % ACTIVITY_BUCKET_MS)
  const firstMs = lastMs - (SPANS - 1) * ACTIVITY_BUCKET_MS
  const { buckets: found, waiting } = await reader.activity(firstMs)
  const buckets = Array.from({ length: SPANS }, (_, index) => {
    const fromMs = firstMs + index * ACTIVITY_BUCKET_MS
    // counts by a clock that is ahead are part of the present, or the waiting jobs of the past would change
    return found
      .filter(one => one.fromMs === fromMs || (fromMs === lastMs && one.fromMs > lastMs))
      .reduce(sumOf, { fromMs, came: 0, sent: 0, others: 0 })
  })
  return { buckets, waiting }
}

function sumOf({ fromMs, ...one }: ActivityBucket, other: ActivityBucket): ActivityBucket {
  return {
    fromMs,
    came: one.came + other.came,
    sent: one.sent + other.sent,
    others: one.others + other.others,
  }
}

/** The number of waiting jobs at the end of each span, computed backwards from now. */
export function waitingBefore(spans: readonly ActivityBucket[], waiting: number): number[] {
  let then = waiting
  return spans
    .toReversed()
    .map(({ came, sent, others }) => {
      const atEnd = then
      then = Math.max(0, then + sent + others - came)
      return atEnd
    })
    .toReversed()
}

export function charts(
  spans: readonly ActivityBucket[],
  waiting: number,
  slots: readonly DeadlineBucket[],
  nowMs: EpochMs,
): Html {
  return html`<section id="charts" data-live aria-labelledby="charts-title">
<div class="charts"><div>
<h2 id="charts-title">The last three hours</h2>
${past(spans, waitingBefore(spans, waiting))}
<ul class="key">
<li>${swatch('sent')}bounced, each 5 minutes</li>
<li>${swatch('others')}ended without a bounce</li>
<li>${swatch('waiting')}waiting, about</li>
</ul>
</div><div>
<h2>Deadlines of waiting jobs</h2>
${ahead(slots, nowMs)}
</div></div>
</section>`
}

function past(spans: readonly ActivityBucket[], waiting: readonly number[]): Html {
  const [most, mostWaiting] = [
    Math.max(...spans.map(({ sent, others }) => sent + others)),
    Math.max(...waiting),
  ]
  const step = WIDTHS.past / spans.length
  const bars = spans.map(({ fromMs, sent, others }, index) => {
    const [x, width] = [px(index * step + 1), px(step - 2)]
    const [high, low] = [scaled(others, most), scaled(sent, most)]
    const title = html`<title>${clock(fromMs)}: ${count(sent)} bounced, ${count(others)} ended without, about ${count(waiting[index] ?? 0)} waiting</title>`
    return html`<g>${title}<rect class="sent" x="${x}" y="${px(BASE - low)}" width="${width}" height="${px(low)}"/>
<rect class="others" x="${x}" y="${px(BASE - low - high)}" width="${width}" height="${px(high)}"/></g>`
  })
  const points = waiting.map(
    (jobs, index) => `${px((index + 0.5) * step)},${px(BASE - scaled(jobs, mostWaiting))}`,
  )
  const all = spans.reduce((sum, { sent, others }) => sum + sent + others, 0)
  return svg(
    WIDTHS.past,
    `${count(all)} jobs ended in three hours, at most ${count(most)} in five minutes; at most ${count(mostWaiting)} waited.`,
    html`${bars}<polyline class="waiting" points="${points.join(' ')}"/>
<text x="2" y="${HEAD - 8}">${count(most)} in 5 min</text><text x="${WIDTHS.past - 2}" y="${HEAD - 8}" text-anchor="end">${count(mostWaiting)} waiting</text>
${labels(
  spans.map(({ fromMs }) => fromMs),
  step,
)}`,
  )
}

/** The deadlines from now on, to the end of the longest window; late jobs are due now. */
function ahead(slots: readonly DeadlineBucket[], nowMs: EpochMs): Html {
  const [slot] = slots
  if (slot === undefined) return html`<p class="soft">No jobs are waiting.</p>`
  const firstMs = nowMs - (nowMs % slot.spanMs)
  const places = Math.ceil(AHEAD_MS / slot.spanMs) + 1
  const placeOf = ({ fromMs }: DeadlineBucket) =>
    Math.min(places - 1, Math.max(0, Math.round((fromMs - firstMs) / slot.spanMs)))
  const jobs = Array.from({ length: places }, (_, place) =>
    slots.filter(one => placeOf(one) === place).reduce((sum, one) => sum + one.jobs, 0),
  )
  const most = Math.max(...jobs)
  const step = WIDTHS.ahead / jobs.length
  const bars = jobs.map((number, index) => {
    const [fromMs, high] = [firstMs + index * slot.spanMs, scaled(number, most)]
    return html`<g><title>${clock(fromMs)} to ${clock(fromMs + slot.spanMs)}: ${count(number)}</title>
<rect class="deadline" x="${px(index * step + 1)}" y="${px(BASE - high)}" width="${px(step - 2)}" height="${px(high)}"/></g>`
  })
  const hours = [0, 6, 12, 18].map(hour => {
    const x = ((nowMs + hour * HOUR_MS - firstMs) / slot.spanMs) * step
    return html`<text x="${px(x)}" y="${HEIGHT - 4}">${hour === 0 ? 'now' : `in ${hour}h`}</text>`
  })
  return svg(
    WIDTHS.ahead,
    `Deadlines of jobs that wait, by hours from now: at most ${count(most)} in one.`,
    html`${bars}<text x="2" y="${HEAD - 8}">${count(most)} at most</text>${hours}`,
  )
}

function svg(width: number, title: string, inner: Html): Html {
  const line = (name: string, y: number) =>
    html`<line class="${name}" x1="0" y1="${px(y)}" x2="${width}" y2="${px(y)}"/>`
  return html`<svg viewBox="0 0 ${width} ${HEIGHT}" role="img" aria-label="${title}">
${line('grid', HEAD)}${line('grid', (HEAD + BASE) / 2)}${inner}${line('axis', BASE)}</svg>`
}

const BASE = HEIGHT - FOOT

/** Under those that begin with a half hour, where there is room. */
function labels(times: readonly number[], step: number): Html {
  return html`${times.map(
    (ms, index) =>
      ms % LABEL_EVERY_MS === 0 &&
      index * step <= WIDTHS.past - LABEL_WIDTH &&
      html`<text x="${px(index * step)}" y="${HEIGHT - 4}">${clock(ms)}</text>`,
  )}`
}

function swatch(name: string): Html {
  return html`<svg viewBox="0 0 10 10" aria-hidden="true">${
    name === 'waiting'
      ? html`<polyline class="waiting" points="0,8 10,2"/>`
      : html`<rect class="${name}" width="10" height="10"/>`
  }</svg>`
}

function scaled(value: number, most: number): number {
  return (value / Math.max(1, most)) * (BASE - HEAD)
}

function px(value: number): string {
  return value.toFixed(1)
}

/** UTC, as all times of the page. */
function clock(ms: number): string {
  return new Date(ms).toISOString().slice(11, 16)
}
