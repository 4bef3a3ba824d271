// Lists of jobs: of a state, of a search, and of those that were lost. Shown only with the token. Pure.

import type { Job, JobState } from '../queue/job'
import type { JobPage } from '../queue/operator'
import type { EpochMs } from '../units'
import { type Html, html } from './html'
import { count, timeTag, type View } from './page-layout'
import { badge, jobTable } from './page-sections'
import { ROOT } from './router'

/** `all`: how many there are. `isFirst`: the latest are shown. */
export function stateMain(
  view: View,
  state: JobState,
  { jobs, next, all, isFirst }: JobPage & { all: number; isFirst: boolean },
): Html {
  const shown = `${isFirst ? 'The latest' : 'Older ones:'} ${count(jobs.length)}`
  const older =
    next !== undefined && html` <a href="${ROOT}/search?state=${state}&amp;before=${next}">Older ones</a>`
  return html`<section id="found" data-live aria-labelledby="found-title">
<h1 id="found-title">Jobs ${badge(state)}</h1>
<p>${shown} of ${count(all)}.${older}</p>
${jobTable(view, jobs, 'There are none.')}
</section>`
}

export function lostMain(view: View, sinceMs: EpochMs, { jobs, all }: { jobs: Job[]; all: number }): Html {
  return html`<section id="found" data-live aria-labelledby="found-title">
<h1 id="found-title">Jobs without a bounce</h1>
<p>${count(all)} failed or expired since ${timeTag(sinceMs)}${jobs.length < all && `; the latest ${count(jobs.length)}`}.</p>
${jobTable(view, jobs, 'There are none.')}
</section>`
}

export function searchMain(view: View, asked: string, { jobs, next }: JobPage): Html {
  return html`<section id="found" data-live aria-labelledby="found-title">
<h1 id="found-title">Search</h1>
<p>For <b>${asked}</b>: ${count(jobs.length)} found${next !== undefined && ', and there may be more'}.</p>
${jobTable(view, jobs, 'There is no job of that recipient, sender or mail.')}
</section>
${jobs.length === 0 && html`<p class="soft">Search for a whole address, the id that SES gave a mail, or the id of a job.</p>`}`
}
