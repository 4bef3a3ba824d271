// `queue show`: the whole record of each job. For a missing job the exit code is 1.

import { jobRecordJson } from '../../app/job-json'
import { sendBounceInput } from '../../dispatch/send-bounce'
import { jsonText } from '../../json'
import { findMail } from '../../quarantine/find-mail'
import { jobPage } from './job-text'
import type { Run } from './run'

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
