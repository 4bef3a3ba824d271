// `ses-bounce queue` as an operator changes many jobs with it: filters, questions, the audit.

import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { actorOf } from '../../src/cli/actor'
import { queue } from '../../src/cli/queue'
import type { QueueIo } from '../../src/cli/queue/run'
import type {
  SqliteDispatcherQueue,
  SqliteOperatorQueue,
  SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { openDispatcherQueue, openOperatorQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { addJob, HOUR_MS, request, takeLead } from '../queue/support'
import { harakaDirectory, type Ran, ran, removeDirectories } from './support'

const SPACING = { spacingMs: 0, notBeforeMonoMs: 0, longestPauseMs: HOUR_MS }
const NOW_MS = Date.UTC(2026, 10, 26, 12)
const ANNA = { who: 'root (sudo by anna)', via: 'cli', host: 'web-1' } as const

describe('ses-bounce queue by hand', () => {
  let dir: string
  let worker: SqliteWorkerQueue
  let dispatcher: SqliteDispatcherQueue
  let operator: SqliteOperatorQueue
  let nowMs: number
  let asked: string[]

  beforeEach(() => {
    dir = harakaDirectory({ 'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.1\n' })
    const file = path.join(dir, 'ses-bounce/queue.sqlite')
    mkdirSync(path.dirname(file))
    worker = openWorkerQueue(file, { create: true })
    dispatcher = openDispatcherQueue(file)
    operator = openOperatorQueue(file)
    takeLead(dispatcher)
    nowMs = NOW_MS
    asked = []
  })
  afterEach(() => {
    for (const one of [worker, dispatcher, operator]) one.close()
  })
  after(removeDirectories)

  function run(args: string[], answer?: string, changes: Partial<QueueIo> = {}): Promise<Ran> {
    const ask = async (question: string) => {
      asked.push(question)
      return answer ?? ''
    }
    const io: QueueIo = {
      nowMs: () => nowMs,
      monoMs: () => 0,
      sleep: async () => undefined,
      screen: undefined,
      become: () => undefined,
      stopped: () => new AbortController().signal,
      ask: answer === undefined ? undefined : ask,
      actor: ANNA,
      ...changes,
    }
    return ran(out => queue([...args, '--dir', dir], out, {}, io))
  }

  function add(changes: Parameters<typeof request>[0] = {}): string {
    const times = { receivedAtMs: nowMs, deadlineMs: nowMs + 24 * HOUR_MS }
    return addJob(worker, request({ ...times, ...changes }), nowMs).jobId
  }

  function fail(detail: string, changes: Parameters<typeof request>[0] = {}): string {
    const id = add({ ...changes, deadlineMs: nowMs + 10 * HOUR_MS })
    const claim = dispatcher.claim(changes.region ?? 'eu-west-1', { ms: nowMs, monoMs: 0 }, SPACING)
    assert.equal(claim?.job.id, id)
    dispatcher.begin(claim, { ms: nowMs, monoMs: 0 })
    dispatcher.settle(claim, { state: 'failed', detail }, { ms: nowMs, seenMonoMs: 0 })
    return id
  }

  const parsed = ({ lines }: Ran) => lines.map(line => JSON.parse(line) as Record<string, unknown>)
  const stateOf = (id: string) => operator.job(id)?.state
  const entries = () => operator.audit.page({ limit: 100 }).entries
  const ids = async (...args: string[]) => parsed(await run(['list', '--json', ...args])).map(({ id }) => id)

  it('lists jobs by their reason and the time of their last change', async () => {
    const first = fail('400 MessageRejected: Not this one')
    nowMs += HOUR_MS
    const second = fail('403 AccessDenied: Not allowed')
    assert.deepEqual(await ids('--reason', 'messagerejected'), [first])
    assert.deepEqual(await ids('--since', '30m'), [second])
    assert.deepEqual(await ids('--until', '30m'), [first])
    assert.deepEqual(await ids('--since', '2026-11-26T12:00Z', '--until', '2026-11-26 13:00'), [first])
    assert.deepEqual(await ids('--since', '2026-11-26T14:00+01:00'), [second])
    assert.deepEqual(await ids('--since', '2026-11-27'), [])
  })

  it('never cuts an address, and shows a long line of recipients whole in a pipe', async () => {
    const long = `${'a'.repeat(60)}@${'b'.repeat(60)}.${'c'.repeat(60)}.example`
    const more = Array.from({ length: 5 }, (_, n) => `user${n}@yours.example`)
    for (const address of [long, ...more]) add({ sesId: 'm', sender: `s${long}`, recipient: { address } })
    const [, line = ''] = (await run(['list'])).lines
    for (const address of [`s${long}`, long, ...more]) assert.ok(line.includes(address), address)
    const screen = { columns: 80, rows: 25, write: () => undefined }
    const [, onTerminal = ''] = (await run(['list'], undefined, { screen })).lines
    assert.ok(onTerminal.includes(`s${long}`))
    assert.match(onTerminal, /,\+3 /)
  })

  it('shows with --dry-run what a filter finds, and changes nothing', async () => {
    const old = fail('400 MessageRejected: no')
    nowMs += 11 * HOUR_MS
    const young = fail('400 MessageRejected: no')
    const { code, lines } = await run(['retry', '--reason', 'MessageRejected', '--dry-run'])
    assert.equal(code, 0)
    assert.match(lines[0] ?? '', /^ID +STATE/)
    assert.deepEqual(
      lines.slice(1, 3).map(line => line.split(' ')[0]),
      [young, old],
    )
    assert.equal(
      lines[3],
      '2 jobs would be queued again (2 failed); of 1 the window has ended. Nothing was changed.',
    )
    const [data] = parsed(await run(['retry', '--state', 'failed', '--dry-run', '--json']))
    assert.equal(data?.['jobs'], 2)
    assert.equal(data['too_late'], 1)
    assert.equal(data['dry_run'], true)
    assert.deepEqual([stateOf(old), stateOf(young)], ['failed', 'failed'])
    assert.deepEqual(entries(), [])
  })

  it('asks on a terminal with the number of jobs, and changes them only after a yes', async () => {
    const [one, two] = [add({ rule: 'one' }), add({ rule: 'one' })]
    const other = add()
    for (const no of ['', 'n', 'no', '3', 'yes please']) {
      const { code, lines } = await run(['cancel', '--rule', 'one'], no)
      assert.deepEqual([code, lines], [1, ['Nothing was changed.']])
    }
    assert.equal(asked[0], 'Cancel 2 jobs (2 queued)? [y/N] ')
    assert.equal(stateOf(one), 'queued')
    assert.deepEqual(await run(['hold', '--rule', 'one', '--because', 'a test'], 'y'), {
      code: 0,
      errors: [],
      lines: ['2 of 2 jobs held.'],
    })
    assert.deepEqual((await run(['cancel', '--rule', 'one'], '2')).lines, ['2 of 2 jobs cancelled.'])
    assert.deepEqual([one, two, other].map(stateOf), ['cancelled', 'cancelled', 'queued'])
    assert.deepEqual(
      entries().map(({ who, via, host, action, target, reason, items }) => ({
        who,
        via,
        host,
        action,
        target,
        reason,
        items,
      })),
      [
        { ...ANNA, action: 'cancel', target: 'state queued or held, rule one', reason: undefined, items: 2 },
        { ...ANNA, action: 'hold', target: 'state queued, rule one', reason: 'a test', items: 2 },
      ],
    )
  })

  it('asks nothing with --yes, and says which jobs could not be changed', async () => {
    const late = fail('400 MessageRejected: no')
    nowMs += 11 * HOUR_MS
    const young = fail('400 MessageRejected: no')
    const { code, lines } = await run(['retry', '--state', 'failed', '--yes'])
    assert.equal(code, 1)
    assert.match(lines[0] ?? '', new RegExp(`^${late}: not changed: its window has ended`))
    assert.equal(lines[1], '1 of 2 jobs queued again.')
    assert.equal(stateOf(young), 'queued')
    assert.deepEqual(asked, [])
    assert.deepEqual(await run(['retry', '--state', 'held', '--yes']), {
      code: 0,
      errors: [],
      lines: ['no such jobs'],
    })
    const [first] = parsed(await run(['cancel', '--region', 'eu-west-1', '--yes', '--json']))
    assert.deepEqual(first, { id: young, done: true, from: 'queued', to: 'cancelled' })
  })

  it('changes at most as many as --limit says, and more than one transaction can hold', async () => {
    const all = Array.from({ length: 250 }, () => add())
    assert.deepEqual((await run(['hold', '--region', 'eu-west-1', '--limit', '30', '--yes'])).lines, [
      '30 of 30 jobs held.',
    ])
    const screen = { columns: 80, rows: 25, write: (text: string) => void asked.push(text) }
    const { lines } = await run(['cancel', '--region', 'eu-west-1', '--yes'], undefined, { screen })
    assert.deepEqual(lines, ['250 of 250 jobs cancelled.'])
    assert.ok(asked.some(text => text.includes('200 of 250')))
    assert.deepEqual(new Set(all.map(stateOf)), new Set(['cancelled']))
    assert.deepEqual(
      entries().map(({ items }) => items),
      [250, 30],
    )
  })

  it('changes with --limit the jobs that the list shows with it', async () => {
    const late = add({ deadlineMs: nowMs + 20 * HOUR_MS })
    const soon = add({ deadlineMs: nowMs + 2 * HOUR_MS })
    const young = add({ deadlineMs: nowMs + 22 * HOUR_MS })
    const filter = ['--region', 'eu-west-1', '--limit', '1']
    assert.deepEqual(await ids(...filter), [soon])
    assert.deepEqual((await run(['hold', ...filter, '--yes'])).lines, ['1 of 1 job held.'])
    assert.deepEqual([late, soon, young].map(stateOf), ['queued', 'held', 'queued'])
  })

  it('tries jobs now that wait for their next attempt', async () => {
    const id = add()
    const claim = dispatcher.claim('eu-west-1', { ms: nowMs, monoMs: 0 }, SPACING)
    assert.ok(claim)
    dispatcher.begin(claim, { ms: nowMs, monoMs: 0 })
    const effect = { state: 'queued', what: 'retry', detail: '503', notBeforeMs: nowMs + HOUR_MS } as const
    dispatcher.settle(claim, effect, { ms: nowMs, seenMonoMs: 0 })
    assert.deepEqual((await run(['flush', '--region', 'eu-west-1', '--reason', 'SES is back'])).lines, [
      'Tried now: 1 job.',
    ])
    assert.equal(operator.job(id)?.notBeforeMs, 0)
    assert.deepEqual((await run(['flush'])).lines, ['Nothing waits for its next attempt.'])
    assert.deepEqual(parsed(await run(['flush', '--json'])), [{ jobs: 0, refused: 0 }])
    assert.deepEqual(
      entries().map(({ action, target, reason, items }) => [action, target, reason, items]),
      [['flush', 'eu-west-1', 'SES is back', 1]],
    )
  })

  it('shows the reason of a pause in every view of it', async () => {
    add()
    const reason = 'a new bounce sender\u001b[2J comes'
    const said = await run(['pause', '--region', 'eu-west-1', '--reason', reason])
    const shown = 'a new bounce sender\\u001b[2J comes'
    const text = `Paused by hand since 2026-11-26 12:00:00 UTC: eu-west-1, by root (sudo by anna): ${shown}`
    assert.equal(said.lines[1], text)
    const stats = (await run(['stats'])).lines
    assert.ok(stats.includes(text), stats.join('\n'))
    assert.match(stats[0] ?? '', /^Stopped: paused by hand in eu-west-1 since .*: a new bounce sender/)
    const [data] = parsed(await run(['stats', '--json']))
    assert.deepEqual(data?.['pauses'], [
      { region: 'eu-west-1', since: '2026-11-26T12:00:00Z', who: 'root (sudo by anna)', reason },
    ])
    assert.deepEqual(await run(['pause', '--region', 'eu-west-1', '--reason', 'another']), {
      code: 0,
      errors: [],
      lines: ['eu-west-1 is paused already.', text.replace(shown, 'another')],
    })
  })

  it('refuses to pause, resume or flush a region that is not known, and suggests one that is', async () => {
    for (const word of ['pause', 'resume'])
      assert.equal((await run([word, '--region', 'ap-south-1'])).code, 0, 'before the first job any is known')
    add()
    add({ region: '123456789012/us-east-1' })
    for (const [region, hint] of [
      ['eu-wset-1', 'did you mean "eu-west-1"?'],
      ['us-east-1', 'there is 123456789012/us-east-1'],
      ['ap-northeast-2', 'there are 123456789012/us-east-1, eu-west-1'],
    ] as const) {
      for (const word of ['pause', 'resume', 'flush']) {
        const { code, errors } = await run([word, '--region', region])
        assert.deepEqual(
          [code, errors],
          [2, [`ses-bounce queue: --region ${region}: the queue has no such region; ${hint}`]],
        )
      }
    }
  })

  it('shows what was done by hand as a table, filtered, and as objects', async () => {
    const id = add()
    await run(['hold', id])
    nowMs += HOUR_MS
    await run(['pause', '--reason', 'SES\nis down'])
    const { lines } = await run(['audit'])
    assert.match(lines[0] ?? '', /^TIME +WHO +VIA +HOST +ACTION +COUNT +TARGET +REASON$/)
    assert.match(
      lines[1] ?? '',
      /^2026-11-26T13:00:00Z {2}root \(sudo by anna\) {2}command {2}web-1 {2}pause +1 {6}every region +SES\\u000ais down$/,
    )
    assert.equal(lines.length, 3)
    const audit = async (...args: string[]) =>
      parsed(await run(['audit', '--json', ...args])).map(({ action }) => action)
    assert.deepEqual(await audit(), ['pause', 'hold'])
    assert.deepEqual(await audit('--action', 'hold'), ['hold'])
    assert.deepEqual(await audit('--by', 'ANNA'), ['pause', 'hold'])
    assert.deepEqual(await audit('--by', 'bert'), [])
    assert.deepEqual(await audit('--since', '30m'), ['pause'])
    assert.deepEqual(await audit('--until', '30m'), ['hold'])
    assert.deepEqual(await audit('--limit', '1'), ['pause'])
    assert.deepEqual(await audit('--via', 'api'), [])
    assert.deepEqual((await run(['audit', '--via', 'page'])).lines, ['nothing was done by hand'])
    const [entry] = parsed(await run(['audit', '--action', 'hold', '--json']))
    assert.deepEqual(Object.keys(entry ?? {}), [
      'id',
      'at',
      'who',
      'via',
      'host',
      'action',
      'target',
      'count',
    ])
  })
})

describe('the person who runs a command', () => {
  const actor = (uid: number, name: string, env: NodeJS.ProcessEnv = {}) =>
    actorOf(env, { uid, name }, 'web-1').who

  it('is the user of the process, and with sudo also the one who became root', () => {
    assert.equal(actor(1000, 'anna'), 'anna')
    assert.equal(actor(0, 'root'), 'root')
    assert.equal(actor(0, 'root', { SUDO_USER: 'anna' }), 'root (sudo by anna)')
    assert.equal(actor(0, 'root', { SUDO_USER: 'root' }), 'root')
    assert.equal(actor(0, 'root', { SUDO_USER: '' }), 'root')
  })

  it('is nobody else because of a variable that anybody can set', () => {
    assert.equal(actor(1000, 'bert', { SUDO_USER: 'anna' }), 'bert')
  })

  it('is known without a table of users', () => {
    assert.ok(actorOf({}).who.length > 0)
  })
})
