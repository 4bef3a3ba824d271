// Commits a mail when another worker was faster between its evaluation and its commit: a real queue file, real
// files, and the evaluations of two mails that both had room.

import assert from 'node:assert/strict'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { type ActiveConfig, compileActiveConfig } from '../../src/app/active-config'
import { commitPlan } from '../../src/app/commit'
import { evaluateMail, type MailEvaluation } from '../../src/app/evaluate-mail'
import { forecast } from '../../src/app/submit'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { snapshotSources } from '../../src/config/sources'
import { keptFolder, mailHome, openFolderStore, quarantineFolder } from '../../src/quarantine/folder-store'
import { openWorkerQueue, type SqliteWorkerQueue } from '../../src/queue/sqlite/open'
import { sesMail } from '../live/support/mail'
import { temporaryFolder } from '../queue/support'

const NOW_MS = Date.now()
/** Soon after the start of a machine, so that no dispatcher is missed. */
const NOW_MONO_MS = 1000

describe('a mail for which another worker fills the queue first', () => {
  let dir = ''
  let remove: () => void
  let queue: SqliteWorkerQueue
  beforeEach(() => {
    const temporary = temporaryFolder()
    dir = temporary.folder
    remove = temporary.remove
    for (const folder of [keptFolder(dir), quarantineFolder(dir)]) mkdirSync(folder, { recursive: true })
    queue = openWorkerQueue(path.join(dir, 'queue.sqlite'), { create: true, home: mailHome(dir) })
  })
  afterEach(() => {
    queue.close()
    remove()
  })

  function configured(fallback: string): ActiveConfig {
    const { value, diagnostics } = compileActiveConfig(
      snapshotSources({
        'ses-bounce.ini': `[relay]\ntrusted = 127.0.0.1\n[limit]\nper_sender = 1/day\n[fallback]\ncapped = ${fallback}\n`,
        'ses-bounce-rules.ini': '[gone]\nrecipient = *@yours.example\naction = bounce\n',
        host_list: 'yours.example\n',
        plugins: 'ses-bounce\n',
      }),
      {},
    )
    assert.deepEqual(diagnostics.map(formatDiagnostic), [])
    return value
  }

  async function evaluated(config: ActiveConfig, data: Buffer): Promise<MailEvaluation> {
    const header = data.toString('latin1').split('\r\n\r\n', 1)[0] ?? ''
    const evaluation = await evaluateMail(
      {
        envelope: {
          sender: 'someone@origin.example',
          recipients: [{ address: 'user@yours.example', notifyNever: false }],
          rcptCommands: 1,
          relayIp: '127.0.0.1',
          sizeBytes: data.length,
        },
        headerLines: header.split('\r\n').map(line => `${line}\n`),
        headerIsCut: false,
        ownFields: 0,
        nowMs: NOW_MS,
        nowMonoMs: NOW_MONO_MS,
        content: () => Promise.reject(new Error('no rule asks for it')),
        results: () => [],
        search: () => Promise.reject(new Error('no rule asks for it')),
      },
      config,
      () => queue,
    )
    assert.ok(evaluation)
    return evaluation
  }

  async function commit(config: ActiveConfig, evaluation: MailEvaluation, data: Buffer) {
    assert.ok(evaluation.plan.kind === 'commit')
    return commitPlan(evaluation, evaluation.plan, {
      store: openFolderStore(dir),
      policy: config.policy,
      settings: config.settings,
      queue: () => queue,
      uuid: 'A1',
      nowMs: NOW_MS,
      forecast: forecast(config.settings, NOW_MONO_MS),
      pipeRaw: to => void to.end(data),
    })
  }

  const mails = (folder: string) => readdirSync(folder).filter(name => name.endsWith('.eml'))

  /** Both had room when they were evaluated, and the first has taken it. */
  async function second(fallback: string) {
    const config = configured(fallback)
    const [first, other] = [sesMail(), sesMail()]
    const evaluations = [await evaluated(config, first.data), await evaluated(config, other.data)] as const
    const done = await commit(config, evaluations[0], first.data)
    assert.deepEqual(
      [...done.added.values()].map(({ outcome }) => outcome),
      ['added'],
    )
    return commit(config, evaluations[1], other.data)
  }

  it('gets its fallback: in the quarantine, without a job, and nothing kept for one', async () => {
    const { evaluation, added, quarantined } = await second('quarantine')
    assert.equal(evaluation.decisions[0]?.action, 'quarantine')
    assert.equal(evaluation.decisions[0]?.fallback?.reason, 'capped')
    assert.equal(added.size, 0)
    assert.deepEqual(mails(quarantineFolder(dir)), [path.basename(quarantined ?? '')])
    assert.equal(mails(keptFolder(dir)).length, 1)
  })

  it('is refused with the reason where the fallback says so, and leaves no file', async () => {
    const { evaluation, added } = await second('reject')
    assert.ok(evaluation.plan.kind === 'refuse' && !evaluation.plan.temporary)
    assert.match(evaluation.plan.reply.text, /\(not bounced: more than 1\/day for this sender\)$/)
    assert.equal(added.size, 0)
    assert.deepEqual(mails(quarantineFolder(dir)), [])
    assert.equal(mails(keptFolder(dir)).length, 1)
  })

  it('passes unchanged if the fallback accepts it', async () => {
    const { evaluation, added } = await second('accept')
    assert.equal(evaluation.plan.kind, 'pass')
    assert.equal(added.size, 0)
    assert.equal(mails(keptFolder(dir)).length, 1)
  })
})
