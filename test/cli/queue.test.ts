// `ses-bounce queue` over Haraka directories with a real queue file, as an operator types it.

import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { main } from '../../src/cli/main'
import { queue } from '../../src/cli/queue'
import type { QueueIo } from '../../src/cli/queue/run'
import type { Owner } from '../../src/config/owner'
import {
  openDispatcherQueue,
  openWorkerQueue,
  type SqliteDispatcherQueue,
  type SqliteWorkerQueue,
} from '../../src/queue/sqlite/open'
import { addJob, HOUR_MS, request, takeLead } from '../queue/support'
import { emptyDirectory, harakaDirectory, type Ran, ran, removeDirectories } from './support'

const SPACING = { spacingMs: 1000, notBeforeMonoMs: 0, longestPauseMs: 60_000 }
const SETTINGS = { 'ses-bounce.ini': '[relay]\ntrusted = 192.0.2.1\n' }
/** Escape sequences of a terminal, a C1 control, and a mark that turns the direction of text. */
const HOSTILE = '\u001b[2J\u009b1m\u202e\u2028x'

describe('ses-bounce queue', () => {
  let dir: string
  let worker: SqliteWorkerQueue
  let dispatcher: SqliteDispatcherQueue
  let nowMs: number
  let monoMs: number
  let became: Owner[]

  beforeEach(() => {
    dir = harakaDirectory(SETTINGS)
    const file = path.join(dir, 'ses-bounce/queue.sqlite')
    mkdirSync(path.dirname(file))
    worker = openWorkerQueue(file, { create: true })
    dispatcher = openDispatcherQueue(file)
    takeLead(dispatcher)
    nowMs = 0
    monoMs = 0
    became = []
  })
  afterEach(() => {
    worker.close()
    dispatcher.close()
  })
  after(removeDirectories)

  /** Each sleep is a turn of the clock, and ends what goes on until Ctrl-C after `turns`. */
  function io(changes: Partial<QueueIo> = {}, turns = 3, onTurn: () => void = () => undefined): QueueIo {
    const stop = new AbortController()
    return {
      nowMs: () => nowMs,
      monoMs: () => monoMs,
      sleep: ms => {
        nowMs += ms
        monoMs += ms
        onTurn()
        if (--turns <= 0) stop.abort()
        return Promise.resolve()
      },
      screen: undefined,
      become: owner => void became.push(owner),
      stopped: () => stop.signal,
      ask: undefined,
      actor: { who: 'root (sudo by anna)', via: 'cli', host: 'web-1' },
      ...changes,
    }
  }

  function run(args: string[], given: QueueIo = io()): Promise<Ran> {
    return ran(out => queue([...args, '--dir', dir], out, {}, given))
  }

  function add(changes: Parameters<typeof request>[0] = {}): string {
    return addJob(worker, request(changes), nowMs).jobId
  }

  /** The job with the soonest deadline. */
  function end(effect: Parameters<SqliteDispatcherQueue['settle']>[1], region = 'eu-west-1'): string {
    const claimed = dispatcher.claim(region, { ms: nowMs, monoMs: nowMs }, SPACING)
    assert.ok(claimed)
    dispatcher.begin(claimed, { ms: nowMs, monoMs: nowMs })
    dispatcher.settle(claimed, effect, { ms: nowMs, seenMonoMs: nowMs })
    return claimed.job.id
  }
  const sent = { state: 'sent', messageId: 'bounce1', detail: 'SES made the bounce bounce1' } as const

  const parsed = ({ lines }: Ran) => lines.map(line => JSON.parse(line) as Record<string, unknown>)

  describe('list', () => {
    it('is a table with whole addresses, the times of the last change and of the deadline, and the reason', async () => {
      add({ rule: 'old rule' })
      const done = end({ state: 'failed', detail: '400 MessageRejected: no' })
      nowMs = 5 * 60_000
      const waits = add({ recipient: { address: 'a@yours.example' }, sesId: 'm' })
      add({ recipient: { address: 'b@yours.example' }, sesId: 'm' })
      const { code, lines } = await run(['list'])
      assert.equal(code, 0)
      const [created, deadline] = ['1970-01-01T00:05:00Z', '1970-01-02T00:00:00Z']
      const sender = 'sender@origin.example'
      assert.deepEqual(
        lines.map(line => line.split(/ {2,}/)),
        [
          ['ID', 'STATE', 'REGION', 'CHANGED', 'DEADLINE', 'SENDER', 'RECIPIENTS', 'RULE', 'REASON'],
          [
            waits,
            'queued',
            'eu-west-1',
            created,
            deadline,
            sender,
            'a@yours.example,b@yours.example',
            'unknown-mailbox',
          ],
          [
            done,
            'failed',
            'eu-west-1',
            '1970-01-01T00:00:00Z',
            deadline,
            sender,
            'user@yours.example',
            '"old rule"',
            '400 MessageRejected: no',
          ],
        ],
      )
      const column = (line = '') => line.indexOf('eu-west-1')
      assert.equal(column(lines[1]), column(lines[2]), 'the columns stand below each other')
    })

    it('is filtered, and cut', async () => {
      const ids = async (...args: string[]) =>
        parsed(await run(['list', '--json', ...args])).map(({ id }) => id)
      const [one, two] = [add({ rule: 'one' }), add({ region: 'us-east-1', sender: 'x@other.example' })]
      assert.deepEqual(await ids(), [one, two])
      assert.deepEqual(await ids('--rule', '[one]'), [one])
      assert.deepEqual(await ids('--region', 'US-EAST-1'), [two])
      assert.deepEqual(await ids('--sender', '@other.example'), [two])
      assert.deepEqual(await ids('--sender', '<x@other.example>'), [two])
      assert.deepEqual(await ids('--recipient', 'USER@yours.example'), [one, two])
      assert.deepEqual(await ids('--state', 'sent,held'), [])
      assert.deepEqual(await ids('--state', 'queued', '--limit', '1'), [one])
      assert.deepEqual((await run(['list', '--state', 'sent'])).lines, ['no such jobs'])
    })

    it('gives programs an object a line', async () => {
      const id = add({ receivedAtMs: 1000, sesId: 'm' })
      assert.deepEqual(parsed(await run(['list', '--json'])), [
        {
          id,
          state: 'queued',
          region: 'eu-west-1',
          ses_id: 'm',
          original_message_id: 'm',
          sender: 'sender@origin.example',
          recipients: [
            {
              address: 'user@yours.example',
              type: 'DoesNotExist',
              status: '5.1.1',
              diagnostic: 'smtp; 550 5.1.1 No such mailbox',
              rule: 'unknown-mailbox',
              added_at: '1970-01-01T00:00:00Z',
            },
          ],
          bounce_sender: 'mailer-daemon@yours.example',
          reporting_mta: 'dns; mx.yours.example',
          received_at: '1970-01-01T00:00:01Z',
          deadline_at: '1970-01-02T00:00:00Z',
          created_at: '1970-01-01T00:00:00Z',
          changed_at: '1970-01-01T00:00:00Z',
          tries: 0,
          unknown_tries: 0,
          interruptions: 0,
        },
      ])
    })
  })

  describe('show', () => {
    it('has the whole history, and the call', async () => {
      const id = add({ sesId: 'm' })
      nowMs = 1000
      await run(['hold', id])
      nowMs = 2000
      await run(['retry', id])
      nowMs = 3000
      end(sent)
      const { code, lines } = await run(['show', id])
      assert.equal(code, 0)
      assert.equal(lines[0], `${id}: sent, SES made the bounce bounce1`)
      const from = lines.findIndex(line => line.startsWith('History'))
      assert.deepEqual(lines.slice(from, from + 6), [
        'History, 5 events',
        '  1970-01-01 00:00:00 UTC queued: user@yours.example, by rule unknown-mailbox',
        '  1970-01-01 00:00:01 UTC by hand: queued -> held by root (sudo by anna)',
        '  1970-01-01 00:00:02 UTC by hand: held -> queued by root (sudo by anna); before: it was held by hand',
        '  1970-01-01 00:00:03 UTC claimed: the call starts in 0 ms',
        '  1970-01-01 00:00:03 UTC sent: SES made the bounce bounce1',
      ])
      assert.match(lines.join('\n'), /SendBounce, as it was called\n {2}\{\n {4}"OriginalMessageId": "m"/)
      const [data] = parsed(await run(['show', id, '--json']))
      assert.ok(data)
      assert.equal((data['history'] as unknown[]).length, 5)
      assert.equal((data['send_bounce'] as Record<string, unknown>)['OriginalMessageId'], 'm')
      assert.equal(data['message_id'], 'bounce1')
    })

    it('says which jobs are not there, and shows the others', async () => {
      const [one, two] = [add(), add()]
      const { code, lines, errors } = await run(['show', one, HOSTILE, two])
      assert.equal(code, 1)
      assert.deepEqual(
        lines.filter(line => /^\w+: queued$/.test(line)),
        [`${one}: queued`, `${two}: queued`],
      )
      assert.deepEqual(errors, [
        'ses-bounce queue show: \\u001b[2J\\u009b1m\\u202e\\u2028x: there is no such job',
      ])
    })
  })

  describe('retry, cancel and hold', () => {
    it('answer each job on its own line, and end with 1 when one was not changed', async () => {
      const [one, two] = [add(), add()]
      assert.deepEqual(await run(['hold', one, two, one]), {
        code: 0,
        errors: [],
        lines: [`${one}: held, it was queued`, `${two}: held, it was queued`],
      })
      assert.deepEqual(await run(['cancel', one, 'nix', two]), {
        code: 1,
        errors: [],
        lines: [
          `${one}: cancelled, it was held`,
          'nix: not changed: there is no such job',
          `${two}: cancelled, it was held`,
        ],
      })
      assert.deepEqual(parsed(await run(['retry', one, 'nix', '--json'])), [
        { id: one, done: true, from: 'cancelled', to: 'queued' },
        { id: 'nix', done: false, why: 'there is no such job' },
      ])
    })

    it('leave a job alone that is being sent', async () => {
      const id = add()
      dispatcher.claim('eu-west-1', { ms: 0, monoMs: 0 }, SPACING)
      for (const word of ['retry', 'cancel', 'hold']) {
        assert.deepEqual(await run([word, id]), {
          code: 1,
          errors: [],
          lines: [`${id}: not changed: it is being sent; its call may be on its way`],
        })
      }
    })

    it('go by the margin of the settings', async () => {
      const id = add()
      end({ state: 'failed', detail: 'no' })
      nowMs = 24 * HOUR_MS - 59_000
      const { code, lines } = await run(['retry', id])
      assert.equal(code, 1)
      assert.match(lines[0] ?? '', /its window has ended: the last moment to send it was 1970-01-01T23:59:00/)
    })
  })

  describe('stats', () => {
    it('shows the number of jobs, the time to drain, and the pauses', async () => {
      add()
      end(sent)
      add({ rule: 'other', deadlineMs: 30_000 })
      add()
      add({ region: 'us-east-1' })
      await run(['pause', '--region', 'us-east-1'])
      nowMs = 10_000
      monoMs = 1000
      const { code, lines } = await run(['stats'])
      assert.equal(code, 0)
      const text = lines.join('\n')
      for (const expected of [
        '  queued     3',
        '  sent       1',
        '  oldest     waits for 10s',
        '  deadline   the next: 20s left',
        '  [unknown-mailbox] 2 queued, 1 sent',
        '  [other] 1 queued',
        'Regions, at a call every 1005ms',
        '  eu-west-1: 2 queued, the next has 20s left; 1 call in the last minute; drained in 1s; 1 will miss their window',
        '  us-east-1: 1 queued, the next has 23h 59m left; 0 calls in the last minute; paused; 1 will miss their window unless somebody acts',
        'Paused by hand since 1970-01-01 00:00:00 UTC: us-east-1, by root (sudo by anna)',
        'A dispatcher runs.',
      ])
        assert.ok(text.split('\n').includes(expected), `${expected}\nis not in\n${text}`)
      const [data] = parsed(await run(['stats', '--json']))
      assert.deepEqual(data?.['pauses'], [
        { region: 'us-east-1', since: '1970-01-01T00:00:00Z', who: 'root (sudo by anna)' },
      ])
      assert.equal(data['is_dispatching'], true)
    })

    it('counts as many jobs of each state as the list has', async () => {
      for (let n = 0; n < 3; n++) add()
      end(sent)
      end({ state: 'failed', detail: '400 X: no' })
      await run(['hold', add()])
      await run(['cancel', add()])
      const [data] = parsed(await run(['stats', '--json']))
      const states = data?.['states'] as Record<string, number>
      assert.deepEqual(states, {
        queued: 1,
        sending: 0,
        sent: 1,
        failed: 1,
        expired: 0,
        held: 1,
        cancelled: 1,
      })
      for (const [state, jobs] of Object.entries(states))
        assert.equal(parsed(await run(['list', '--state', state, '--json'])).length, jobs, state)
    })

    it('says how late the next job is once its deadline has passed', async () => {
      add({ deadlineMs: 20_000 })
      nowMs = 80_000
      const { lines } = await run(['stats'])
      assert.ok(lines.includes('  deadline   the next: 1m too late'))
      const lane = lines.find(line => line.startsWith('  eu-west-1: 1 queued'))
      assert.match(lane ?? '', /, the next is 1m too late; /)
    })

    it('says when no dispatcher runs', async () => {
      monoMs = 31_000
      assert.equal((await run(['stats'])).lines.at(-1), 'No dispatcher runs: no heartbeat for 31s.')
    })
  })

  describe('pause and resume', () => {
    it('say what is paused from then on', async () => {
      add()
      assert.deepEqual((await run(['pause'])).lines, [
        'Paused: every region. Jobs wait, and expire at their deadline.',
      ])
      assert.deepEqual((await run(['pause'])).lines, ['every region is paused already.'])
      assert.deepEqual((await run(['pause', '--region', 'eu-west-1'])).lines, [
        'Paused: eu-west-1. Jobs wait, and expire at their deadline.',
      ])
      assert.deepEqual(await run(['resume', '--region', 'eu-west-1']), {
        code: 1,
        errors: [],
        lines: [
          'Resumed: eu-west-1.',
          'Paused by hand since 1970-01-01 00:00:00 UTC: every region, by root (sudo by anna)',
        ],
      })
      assert.deepEqual(parsed(await run(['resume', '--json'])), [{ pauses: [] }])
      assert.deepEqual(await run(['resume']), { code: 0, errors: [], lines: ['Nothing was paused.'] })
    })
  })

  describe('watch', () => {
    it('writes a line each time where there is no terminal, and ends with 0 on Ctrl-C', async () => {
      add()
      add()
      const given = io({}, 2, () => end(sent))
      const { code, lines } = await run(['watch', '--every', '1s'], given)
      assert.equal(code, 0)
      assert.deepEqual(lines, [
        '1970-01-01T00:00:00.000Z Sending; 2 jobs to send, drained in 2s; 0 jobs ended since',
        '1970-01-01T00:00:01.000Z Sending; 1 job to send, drained in 1s; 1 job ended since',
      ])
    })

    it('draws one picture over the other on a terminal, with nothing that could wrap', async () => {
      for (let n = 0; n < 4; n++) add()
      await run(['pause', '--region', 'eu-west-1'])
      const frames: string[] = []
      const screen = { columns: 60, rows: 7, write: (text: string) => frames.push(text) }
      const { code, lines } = await run(['watch'], io({ screen }, 2))
      assert.deepEqual([code, lines, frames.length], [0, [], 2])
      assert.match(
        frames[0] ?? '',
        /^1970-01-01 00:00:00 UTC, Ctrl-C ends\nStopped: paused by hand in eu-west-1 since .*\n\[-{30}\] 4 jobs to send/,
      )
      assert.ok(frames[1]?.startsWith('\u001B[6F\u001B[J1970-01-01 00:00:02 UTC'), JSON.stringify(frames[1]))
      for (const line of frames.join('').split('\n')) assert.ok(line.length < 80, line)
    })

    it('gives programs an object each time', async () => {
      const found = parsed(await run(['watch', '--json'], io({}, 2)))
      assert.deepEqual(
        found.map(({ at, verdict, is_sending }) => [at, verdict, is_sending]),
        [
          ['1970-01-01T00:00:00.000Z', 'Sending', true],
          ['1970-01-01T00:00:05.000Z', 'Sending', true],
        ],
      )
    })
  })

  describe('drain', () => {
    it('waits until nothing waits, and does not count what is held', async () => {
      const held = add({ deadlineMs: HOUR_MS })
      await run(['hold', held])
      add()
      add()
      const given = io({}, 9, () => end(sent))
      assert.deepEqual(await run(['drain', '--wait'], given), {
        code: 0,
        errors: [],
        lines: [
          '1970-01-01T00:00:00.000Z 2 jobs to send, drained in 2s; 0 jobs ended since',
          'No jobs are waiting; 1 job held until you retry or cancel.',
        ],
      })
    })

    it('ends with 1 where jobs are paused, at once', async () => {
      add()
      await run(['pause'])
      assert.deepEqual((await run(['drain', '--wait'])).lines, [
        'Not drained: 1 job to send: paused: eu-west-1.',
      ])
      assert.deepEqual(parsed(await run(['drain', '--json'])), [
        { drained: false, waiting: 1, held: 0, why: 'paused: eu-west-1' },
      ])
    })

    it('sends what is left of the regions that are not paused first', async () => {
      add()
      add({ region: 'us-east-1' })
      await run(['pause', '--region', 'us-east-1'])
      const { code, lines } = await run(
        ['drain', '--wait'],
        io({}, 9, () => end(sent)),
      )
      assert.deepEqual([code, lines.at(-1)], [1, 'Not drained: 1 job to send: paused: us-east-1.'])
    })

    it('ends with 1 when the time is up, or no dispatcher runs', async () => {
      add()
      const upAt = await run(['drain', '--wait', '--timeout', '5s'], io({}, 99))
      assert.deepEqual([upAt.code, upAt.lines.at(-1)], [1, 'Not drained: 1 job to send: the time is up.'])
      assert.equal(monoMs, 5000)
      const silent = await run(['drain', '--wait'], io({}, 999))
      assert.deepEqual(
        [silent.code, silent.lines.at(-1)],
        [1, 'Not drained: 1 job to send: no dispatcher runs.'],
      )
    })

    it('says whether it is drained, without --wait', async () => {
      assert.deepEqual(await run(['drain']), { code: 0, errors: [], lines: ['No jobs are waiting.'] })
      add()
      assert.deepEqual((await run(['drain'])).lines, ['Not drained: 1 job to send: --wait waits for them.'])
      await run(['hold', add({ region: 'us-east-1' })])
      assert.deepEqual((await run(['drain'])).lines, [
        'Not drained: 1 job to send: --wait waits for them; 1 job held until you retry or cancel.',
      ])
    })
  })

  it('lets nothing through to a terminal but text, whatever a mail or SES said', async () => {
    const id = add({
      sesId: `m${HOSTILE}`,
      sender: `"${HOSTILE}"@origin.example`,
      rule: `r${HOSTILE}`,
      explanation: HOSTILE,
      recipient: { address: `"${HOSTILE}"@yours.example`, diagnostic: HOSTILE },
    })
    end({ state: 'failed', detail: `400 MessageRejected: ${HOSTILE}` })
    add({ rule: `r${HOSTILE}` })
    const frames: string[] = []
    const screen = { columns: 200, rows: 50, write: (text: string) => frames.push(text) }
    for (const args of [
      ['list'],
      ['list', '--json'],
      ['list', '--rule', HOSTILE],
      ['list', '--region', HOSTILE],
      ['list', '--state', HOSTILE],
      ['list', '--sender', HOSTILE],
      ['list', '--limit', HOSTILE],
      ['show', id],
      ['show', id, '--json'],
      ['stats'],
      ['stats', '--json'],
      ['watch'],
      ['retry', id],
      ['retry', HOSTILE],
      ['hold', HOSTILE, '--json'],
      ['drain', '--timeout', HOSTILE],
      [HOSTILE],
      ['list', `--${HOSTILE}`],
    ]) {
      const { lines, errors } = await run(args, io({ screen }, 1))
      assert.ok(lines.length + errors.length + frames.length > 0, args.join(' '))
      for (const line of [...lines, ...errors])
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, args.join(' '))
    }
    const [first] = parsed(await run(['list', '--json', '--state', 'queued', '--rule', `r${HOSTILE}`]))
    assert.ok(first)
    assert.equal((first['recipients'] as { rule: string }[])[0]?.rule, `r${HOSTILE}`)
  })

  it('says what is wrong with its options, and ends with 2', async () => {
    const faults: [string[], string][] = [
      [
        [],
        'say what to do: list, show, retry, cancel, hold, flush, stats, pause, resume, audit, watch, drain',
      ],
      [['lst'], 'unknown command "queue lst"; did you mean "list"?'],
      [['constructor'], 'unknown command "queue constructor"; there are list, show'],
      [['show'], "missing required argument 'ID'; see ses-bounce queue show --help"],
      [['list', 'x'], "too many arguments for 'list'"],
      [['stats', '--region', 'eu-west-1'], "unknown option '--region'; see ses-bounce queue stats --help"],
      [['list', '--limti', '1'], 'unknown option \'--limti\'; did you mean "--limit"?'],
      [['list', '--state', 'waiting'], `--state can't be "waiting"; there are queued, sending`],
      [['list', '--sender', 'joe'], `--sender can't be "joe"; write an address, or @host`],
      [['list', '--recipient', '@host'], `--recipient can't be "@host"; write an address`],
      [['list', '--limit', '0'], '--limit must be a number from 1 on, not "0"'],
      [['pause', '--region', 'Mars'], 'unknown value "Mars" for --region'],
      [['pause', '--region', 'eu-west-1,us-east-1'], '--region needs one region'],
      [['watch', '--every', '5'], `--every can't be "5"; write a number and a unit`],
      [['watch', '--every', '1ms'], '--every must be 100ms at least'],
      [['drain', '--timeout', '5s'], '--timeout goes with --wait'],
      [['retry'], 'retry needs the ids of jobs, or a filter such as --region; see ses-bounce queue retry'],
      [['hold', 'x', '--region', 'eu-west-1'], 'hold has ids or a filter, not both'],
      [['cancel', 'x', '--dry-run'], 'cancel has ids or a filter, not both; --dry-run goes with a filter'],
      [['cancel', '--rule', 'x'], 'a filter needs --yes where nobody can be asked; --dry-run shows the jobs'],
      [
        ['retry', '--state', 'sent', '--yes'],
        'retry is for jobs that are held, failed, expired, cancelled, not sent',
      ],
      [['list', '--since', 'yesterday'], `--since can't be "yesterday"; write a time as`],
      [['list', '--since', '2026-02-30'], `--since can't be "2026-02-30"`],
      [['list', '--reason', ''], 'an option needs a text'],
      [['audit', '--action', 'look'], `--action can't be "look"; there are retry, cancel`],
      [['list', '--what'], "unknown option '--what'"],
    ]
    for (const [args, expected] of faults) {
      const { code, lines, errors } = await run(args)
      assert.deepEqual([code, lines.length, errors.length], [2, 0, 1], args.join(' '))
      assert.ok(errors[0]?.startsWith(`ses-bounce queue: ${expected}`), errors[0])
    }
  })

  it('shows its help, also through the command itself', async () => {
    const { code, lines } = await ran(out => main(['queue', '--help'], out))
    assert.equal(code, 0)
    for (const word of [
      'list',
      'show',
      'retry',
      'cancel',
      'hold',
      'stats',
      'pause',
      'resume',
      'watch',
      'drain',
    ])
      assert.match(lines.join('\n'), new RegExp(`^ {2}${word} `, 'm'))
  })

  it('makes nothing where there is no queue, and says so', async () => {
    dir = harakaDirectory(SETTINGS)
    const { code, errors } = await run(['list'])
    assert.equal(code, 1)
    assert.match(
      errors.join('\n'),
      /there is no queue at .*queue\.sqlite; Haraka makes it when it starts with a trusted relay/,
    )
    assert.equal(existsSync(path.join(dir, 'ses-bounce')), false)
    dir = emptyDirectory()
    assert.equal((await run(['list'])).code, 2)
  })

  it('refuses a file that is no queue, and leaves it as it is', async () => {
    dir = harakaDirectory(SETTINGS)
    mkdirSync(path.join(dir, 'ses-bounce'))
    const file = path.join(dir, 'ses-bounce/queue.sqlite')
    writeFileSync(file, 'not a queue, but a text that is long enough to be looked at\n'.repeat(50))
    const before = statSync(file)
    const { code, errors } = await run(['stats'])
    assert.equal(code, 1)
    assert.match(errors.join('\n'), /this isn't a queue file/)
    assert.deepEqual([statSync(file).size, readdirSync(path.dirname(file))], [before.size, ['queue.sqlite']])
  })

  it('becomes the user that Haraka runs as before it opens the queue', async () => {
    writeFileSync(path.join(dir, 'config/smtp.ini'), 'user=65534\ngroup=65533\n')
    await run(['list'])
    assert.deepEqual(became, [{ uid: 65534, gid: 65533 }])
    writeFileSync(path.join(dir, 'config/smtp.ini'), 'user=nobody-of-that-name\n')
    const { code, errors } = await run(['list'])
    assert.equal(code, 1)
    assert.match(errors.join('\n'), /smtp\.ini:1: user "nobody-of-that-name" isn't in \/etc\/passwd/)
  })

  it('works in a shell without the tokens and passwords of the server and of the relay', async () => {
    const id = add()
    writeFileSync(
      path.join(dir, 'config/ses-bounce.ini'),
      `[relay]
trusted = 192.0.2.1
[http]
token = env:NOT_SET_HERE
token.anna = env:NOT_SET_EITHER
role.anna = operate
[relay.sqs]
queue_url = https://sqs.eu-west-1.amazonaws.com/123456789012/mail
dead_letter_url = https://sqs.eu-west-1.amazonaws.com/123456789012/dead
buckets = mail
domains = yours.example
user = haraka
password = env:NOT_SET_HERE
`,
    )
    for (const args of [['list'], ['show', id], ['stats'], ['pause'], ['resume'], ['hold', id]]) {
      const { code, errors } = await run(args)
      assert.deepEqual({ code, errors }, { code: 0, errors: [] }, args.join(' '))
    }
    const { lines } = await ran(out => main(['quarantine', 'list', '--dir', dir], out, {}))
    assert.deepEqual(lines, ['the quarantine is empty', lines[1]])
  })

  it('uses the last good settings while the files have errors', async () => {
    const id = add()
    writeFileSync(
      path.join(dir, 'ses-bounce/last-good.json'),
      JSON.stringify({ savedAt: '2025-02-20T12:38:04Z', sources: SETTINGS }),
    )
    writeFileSync(path.join(dir, 'config/ses-bounce.ini'), '[limit]\ninterval = nonsense\n')
    assert.deepEqual((await run(['hold', id])).lines, [`${id}: held, it was queued`])
  })
})
