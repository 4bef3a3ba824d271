// `test` over a policy of the test's own, with threads that are shared.

import { CASES_FILE, test } from '../../src/cli/test'
import { sharedWorkerThreads } from './shared-threads'
import { harakaDirectory, ran } from './support'

export const NOW_MS = Date.UTC(2025, 1, 20, 12, 0, 0, 500)
export const RULES = `[partners]
sender = @partner.example
action = accept
[programs]
attachment.name = *.exe
action = bounce
bounce.text = No programs: {attachment}, {size}
[noted]
subject = *invoice*
action = drop
mode = observe
[score]
result.rspamd.score = > 15
action = reject
reply = Too many points
[unknown]
recipient = @yours.example
not.recipient = anna@yours.example
action = bounce
bounce.type = DoesNotExist
`
export const FILES = {
  'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.10\n',
  'ses-bounce-rules.ini': RULES,
  host_list: 'yours.example\n',
}

export type Files = Record<string, string | Buffer>

export async function run(cases: string, args: string[] = [], files: Files = {}) {
  return testIn(harakaDirectory({ ...FILES, ...files, [CASES_FILE]: cases }), args)
}

export function testIn(dir: string, args: string[] = []) {
  return ran(out =>
    test(['--dir', dir, ...args], out, {}, { nowMs: NOW_MS, openWorkerThreads: sharedWorkerThreads }),
  )
}
