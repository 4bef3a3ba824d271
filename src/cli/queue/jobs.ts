// `queue list`, `show`, `retry`, `cancel`, `hold`: one job after the other, each with a line or a page.
// For a missing job or a refused change the reason is shown, the next jobs follow, and the exit code is 1.

import { setImmediate } from 'node:timers/promises'
import { jobJson, jobRecordJson } from '../../app/job-json'
import { changeJob } from '../../app/operator-actions'
import { sendBounceInput } from '../../dispatch/send-bounce'
import { jsonText } from '../../json'
import { findMail } from '../../quarantine/find-mail'
import type { JobAction, JobQuery } from '../../queue/operator'
import { jobLine, jobPage } from './job-text'
import { operatorOf, type Run } from './run'

/** Lines between two checks whether the output is still read. */
const AT_ONCE = 500

export async function listJobs({ place, out, json, nowMs }: Run, query: JobQuery): Promise<number> {
  let written = 0
  for await (const job of place.queue.jobs(query)) {
    out.line(json ? jsonText(jobJson(job)) : jobLine(job, nowMs()))
    written++
    // a closed pipe is noticed between two turns of the event loop
    if (written % AT_ONCE === 0) await setImmediate()
  }
  if (written === 0 && !json) out.line('no such jobs')
  return 0
}

export async function showJobs({ place, out, json, nowMs }: Run, ids: readonly string[]): Promise<number> {
  const { queue, store } = place
  let code = 0
  for (const [index, id] of ids.entries()) {
    const job = await queue.job(id)
    if (job === undefined) {
      code = 1
      out.error(`ses-bounce queue show: ${id}: there is no such job`)
      continue
    }
    const history = await queue.history(id)
    const mails = await findMail(job, store)
    if (json) {
      out.line(jsonText({ ...jobRecordJson(job, history, mails), send_bounce: sendBounceInput(job) }))
      continue
    }
    for (const line of [...(index > 0 ? [''] : []), ...jobPage(job, history, nowMs(), mails)]) out.line(line)
  }
  return code
}

export async function changeJobs(run: Run, action: JobAction, ids: readonly string[]): Promise<number> {
  let code = 0
  for (const id of ids) {
    const answer = await changeJob(operatorOf(run), action, id)
    const isDone = 'value' in answer
    if (!isDone) code = 1
    if (run.json)
      run.out.line(jsonText({ id, done: isDone, ...(isDone ? answer.value : { why: answer.fault }) }))
    else
      run.out.line(
        isDone
          ? `${id}: ${answer.value.to}, it was ${answer.value.from}`
          : `${id}: not changed: ${answer.fault}`,
      )
  }
  return code
}
