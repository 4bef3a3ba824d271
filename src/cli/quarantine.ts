// `ses-bounce quarantine`: the mail that policy kept back; seen, deleted, or handed back to Haraka past the rules.
// Nothing leaves the quarantine but what was deleted by hand, or what Haraka has answered 250 for.

import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Owner, SMTP_FILE } from '../config/owner'
import { signatureOfFault } from '../config/sources'
import { keptFolder, quarantineFolder } from '../quarantine/keep'
import { releaseTokenFolder } from '../quarantine/release-token'
import { missing } from './check'
import { escaping, type Out } from './out'
import { becomeOwner, ownerOf } from './owner'
import { type Endpoint, endpointOf } from './quarantine/endpoint'
import { type QuarantineTask, readOptions } from './quarantine/options'
import { deleteKept, listKept, type Run, releaseKept, showKept } from './quarantine/tasks'
import { openQueueContext, wordsOf } from './queue/queue-context'

export const QUARANTINE_USAGE = `ses-bounce quarantine COMMAND: the mail that policy kept back

  list            a line for each, latest first: when, from whom, for whom, by which rule, why, the subject
    --limit NUMBER
  show ID ...     all that is on record of a mail, and where it lies
  delete ID ...   for good
  release ID ...  hands it back to this Haraka, past the rules, for those whom it was kept from; then deletes it
    --to HOST:PORT    where this Haraka takes mail (default: the first address in smtp.ini)

  --dir DIR       the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --json          one JSON object a line
  --help

Ends with 0; with 1 when a mail isn't there or isn't taken; with 2 on wrong options.`

/** Resolves with the exit code. `become` changes the user of this process, when it is root. */
export async function quarantine(
  args: string[],
  out: Out,
  env: NodeJS.ProcessEnv = process.env,
  become: (owner: Owner) => void = becomeOwner,
): Promise<number> {
  const options = readOptions(args, env)
  if ('help' in options) {
    out.line(QUARANTINE_USAGE)
    return 0
  }
  const safe = escaping(out)
  const fault = 'fault' in options ? options.fault : missing(options.dir)
  if (fault !== undefined || 'fault' in options) {
    safe.error(`ses-bounce quarantine: ${fault ?? ''}`)
    return 2
  }
  const { dir, json, task } = options
  try {
    const endpoint = smtpOf(dir)
    become(ownerOf(dir))
    const folder = quarantineFolder(dir)
    mayLookAt(folder)
    // without a queue, as before Haraka's first start, there is nothing that counts it
    const place = openQueueContext(dir, env, () => undefined)
    const takesOut = task.word === 'delete' || task.word === 'release'
    // nobody knows then whether bounces wait that need the mail
    if (takesOut && 'faults' in place && !place.isAbsent) throw new Error(place.faults.join('\n'))
    const total = 'faults' in place ? undefined : { queue: place.queue, limitBytes: place.limitBytes }
    try {
      const run: Run = {
        folder,
        kept: keptFolder(dir),
        passes: releaseTokenFolder(dir),
        out: safe,
        json,
        ...(total && { total }),
      }
      return await runTask(run, task, endpoint)
    } finally {
      total?.queue.close()
    }
  } catch (error) {
    for (const line of wordsOf(error)) safe.error(`ses-bounce quarantine: ${line}`)
    return 1
  }
}

async function runTask(run: Run, task: QuarantineTask, endpoint: Endpoint | undefined): Promise<number> {
  switch (task.word) {
    case 'list':
      return listKept(run, task.limit)
    case 'show':
      return showKept(run, task.ids)
    case 'delete':
      return deleteKept(run, task.ids)
    case 'release': {
      const to = task.to ?? endpoint
      if (to !== undefined) return releaseKept(run, task.ids, to)
      run.out.error(
        'ses-bounce quarantine: smtp.ini names no address where mail could be handed back; give it with --to',
      )
      return 1
    }
  }
}

function smtpOf(dir: string): Endpoint | undefined {
  const file = path.join(dir, 'config', SMTP_FILE)
  return endpointOf(existsSync(file) ? readFileSync(file, 'utf8') : '')
}

/** To somebody else it would look empty. */
function mayLookAt(folder: string): void {
  try {
    statSync(folder)
  } catch (error) {
    const code = signatureOfFault(error)
    if (code === 'ENOENT') return
    const message = `${folder} can't be looked at (${code}); root can, and the user that Haraka runs as`
    throw new Error(message, { cause: error })
  }
}
