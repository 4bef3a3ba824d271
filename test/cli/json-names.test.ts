// Every name in what `--json` and the API write. What a command writes is looked at whole, in each of its forms.

import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { SurgeFiles, surgeFolder } from '../../src/app/surge-files'
import { main } from '../../src/cli/main'
import { OPENAPI } from '../../src/http/openapi'
import { quarantineFolder } from '../../src/quarantine/folder-store'
import { openDispatcherQueue, openWorkerQueue } from '../../src/queue/sqlite/open'
import { startSesEmulator } from '../../src/ses-emulator/server'
import { startApi, submission } from '../http/api-support'
import { hold } from '../http/quarantined'
import { plainMail, sesMail } from '../live/support/mail'
import { until } from '../live/support/wait'
import { freshSchema } from '../postgres/shared'
import { keepMail } from '../quarantine/support'
import { addJob, request, takeLead } from '../queue/support'
import { environment, withEnvironment } from './online-support'
import { emptyDirectory, harakaDirectory, ran, removeDirectories } from './support'

/** AWS's own names: SendBounce's input, and the parameters that a client sent to the emulator. */
const AWS_NAMES = new Set(['send_bounce', 'params'])

function assertSnakeCase(value: unknown, where: string): void {
  if (typeof value !== 'object' || value === null) return
  for (const [name, one] of Object.entries(value)) {
    if (!Array.isArray(value)) assert.match(name, /^[a-z\d]+(?:_[a-z\d]+)*$/, `${where} has ${name}`)
    // check --online has answers of that name, too
    const isAws = AWS_NAMES.has(name) && Object.keys(Object(one)).some(key => /^[A-Z]/.test(key))
    if (!isAws) assertSnakeCase(one, `${where}.${name}`)
  }
}

const RULES = `[programs]
attachment.name = *.exe
action = bounce
[unknown]
recipient = *@yours.example
action = bounce
`
const FILES = {
  'ses-bounce-rules.ini': RULES,
  'ses-bounce-tests.ini':
    '[one]\nrecipient = a@yours.example\nexpect.rule = unknown\n[other]\nrecipient = a@yours.example\nexpect.rule = programs\nexpect.reply = none\n',
  host_list: 'yours.example\n',
  'smtp.ini': 'listen=127.0.0.1:1\n',
}

/** One writes a script of a shell; the other needs a queue of SQS, and is held to this by test/live/relay-sqs.test.ts. */
const ELSEWHERE = new Set(['completion', 'relay'])

const UNTIL_TOLD = new Set(['queue watch', 'dispatch'])

/** The listeners of this process, which has folders to remove when it is ended. */
const OWN_LISTENERS = process.listeners('SIGTERM')

/** Ends a command alone: it listens for signals once it has said that it is there. */
function endSoon(): void {
  setImmediate(() => {
    for (const listener of commandListeners()) listener('SIGTERM')
  })
}

function commandListeners(): NodeJS.SignalsListener[] {
  return process.listeners('SIGTERM').filter(one => !OWN_LISTENERS.includes(one))
}

function callAndEnd(started: string): void {
  const { url } = JSON.parse(started) as { url: string }
  void fetch(url, { method: 'POST', body: 'Action=SendBounce&someName=x' }).finally(endSoon)
}

/** The commands that do something, `queue list` for one. */
async function leaves(...group: string[]): Promise<string[]> {
  const { lines } = await ran(out => main(['help', ...group], out))
  const [, commands = ''] = lines.join('\n').split('\nCommands:\n')
  const [own = ''] = commands.split('\n\n', 1)
  const names = [...own.matchAll(/^ {2}([a-z][a-z-]*)/gm)]
    .map(([, name = '']) => name)
    .filter(name => name !== 'help')
  if (names.length === 0) return [group.join(' ')]
  return (await Promise.all(names.map(name => leaves(...group, name)))).flat()
}

describe('the names in JSON', () => {
  after(removeDirectories)

  it('are in snake_case in what every command writes', async () => {
    const emulator = await startSesEmulator({ intervalMs: 0, identities: ['yours.example'] })
    const ini = `[relay]\ntrusted = 192.0.2.1\n[ses]\nregions = eu-west-1\nendpoint = ${emulator.url}\n`
    const dir = harakaDirectory({ ...FILES, 'ses-bounce.ini': ini })
    const there = harakaDirectory({ ...FILES, 'ses-bounce.ini': ini, 'ses-bounce-rules.ini': '' })
    const broken = harakaDirectory({ ...FILES, 'ses-bounce.ini': '[relay]\ntrusted = x\n' })
    const { url, schema, remove: removeSchema } = await freshSchema()
    const inPostgres = `[relay]\ntrusted = 192.0.2.1\n[queue]\nstore = postgres\nurl = ${url}\nschema = ${schema}\n`
    const shared = harakaDirectory({ ...FILES, 'ses-bounce.ini': inPostgres })
    const { id, kept } = await fill(dir)
    const mails = emptyDirectory()
    const recipients = ['a@yours.example', 'b@yours.example']
    const { data: mail } = sesMail({ recipient: 'a@yours.example' })
    writeFileSync(path.join(mails, '1.eml'), mail)
    writeFileSync(path.join(mails, '2.eml'), plainMail({}))
    const one = path.join(mails, '1.eml')

    const lines: Record<string, string[]> = {}
    const say = async (command: string, ...args: string[]) => {
      const end = command === 'local-ses' ? callAndEnd : UNTIL_TOLD.has(command) ? endSoon : () => undefined
      const said = await ran(out => {
        let first: string | undefined
        const line = (text: string) => {
          out.line(text)
          if (first === undefined) end((first = text))
        }
        return main([...command.split(' '), '--json', ...args], { ...out, line })
      })
      assert.ok(said.lines.length > 0, `${command} ${args.join(' ')} writes nothing: ${said.errors.join()}`)
      ;(lines[command] ??= []).push(...said.lines)
    }
    const here = ['--dir', dir]
    try {
      await withEnvironment(environment({ AWS_ENDPOINT_URL_STS: emulator.url }), async () => {
        await say('check', ...here)
        await say('check', '--online', ...here)
      })
      await say('check', '--dir', broken)
      await say('check', '--explain', 'bounce.type')
      // on a busy machine the thread that reads the mail may start too slowly
      await until(
        async () => {
          await say('explain', ...here, ...recipients.flatMap(to => ['--to', to]), one)
          return lines['explain']?.join().includes('"send_bounce"')
        },
        { what: 'explain to read a mail' },
      )
      await say('explain', ...here, mails)
      await say('explain', ...here, '--against', there, mails)
      await say('test', ...here)
      for (const word of ['list', 'stats']) await say(`queue ${word}`, ...here)
      for (const word of ['show', 'hold', 'retry', 'cancel']) await say(`queue ${word}`, ...here, id, 'none')
      await say('queue cancel', '--state', 'queued', '--dry-run', ...here)
      await say('queue flush', ...here)
      await say('queue audit', ...here)
      await say('queue drain', ...here)
      await say('queue pause', '--region', 'eu-west-1', ...here)
      await say('queue stats', ...here)
      await say('queue resume', '--region', 'eu-west-1', ...here)
      await say('queue watch', ...here)
      await say('queue resume', ...here)
      for (const word of ['migrate', 'hosts', 'stats']) await say(`queue ${word}`, '--dir', shared)
      await say('queue move', '--dir', shared, '--from', path.join(dir, 'ses-bounce/queue.sqlite'))
      await say('quarantine list', ...here)
      for (const word of ['show', 'release', 'delete']) await say(`quarantine ${word}`, ...here, kept, 'none')
      new SurgeFiles(surgeFolder(dir)).start({
        by: 'rcpt-ldap',
        stage: 'rcpt',
        since: new Date().toISOString(),
        share: '20 of the last 24 recipients',
      })
      for (const word of ['list', 'resume']) await say(`refusals ${word}`, ...here)
      await say('sample', ...here)
      await say('sample', '--send', '127.0.0.1:1', ...here)
      await say('local-ses', '--port', '0')
      await say('dispatch', ...here)
    } finally {
      // a dispatcher still listens, as its process ends with it
      for (const one of commandListeners()) process.off('SIGTERM', one)
      await emulator.close()
      await removeSchema()
    }

    assert.deepEqual(
      Object.keys(lines).toSorted(),
      (await leaves()).filter(one => !ELSEWHERE.has(one)).toSorted(),
    )
    for (const [command, texts] of Object.entries(lines))
      for (const text of texts) assertSnakeCase(JSON.parse(text), command)
    assert.match(lines['queue list']?.join() ?? '', /"ses_id":"mail-1-0000"/)
    assert.match(lines['explain']?.join() ?? '', /"send_bounce":\{"OriginalMessageId"/)
    assert.match(lines['quarantine show']?.join() ?? '', /"relay_ip":.*"ses_id":/)
  })

  it('are in snake_case in what every part of the API answers', async () => {
    const api = await startApi()
    try {
      const made = await api.ask('POST', '/v1/bounces', submission())
      const id = String(made.data['id'])
      const asked = {
        '/v1/openapi.json': [],
        '/health': [{ data: await json(`${api.url}/health`) }],
        '/health/sending': [{ data: await json(`${api.url}/health/sending`) }],
        '/v1/bounces': [
          made,
          await api.ask('POST', '/v1/bounces', {}),
          await api.ask('GET', '/v1/bounces?limit=1'),
        ],
        '/v1/bounces/{id}': [
          await api.ask('GET', `/v1/bounces/${id}`),
          await api.ask('DELETE', `/v1/bounces/${id}`),
        ],
      }
      const mail = await hold(api, 'held')
      Object.assign(asked, {
        '/v1/flush': [await api.ask('POST', '/v1/flush', {})],
        '/v1/audit': [await api.ask('GET', '/v1/audit')],
        '/v1/quarantine': [await api.ask('GET', '/v1/quarantine')],
        '/v1/quarantine/{id}/release': [await api.ask('POST', `/v1/quarantine/${mail}/release`)],
        '/v1/quarantine/{id}': [
          await api.ask('GET', `/v1/quarantine/${mail}`),
          await api.ask('DELETE', `/v1/quarantine/${mail}`),
        ],
      })
      assert.deepEqual(Object.keys(OPENAPI.paths).toSorted(), Object.keys(asked).toSorted())
      for (const [place, answers] of Object.entries(asked))
        for (const { data } of answers) assertSnakeCase(data, place)
      assertSnakeCase(propertiesOf(OPENAPI), 'the description')
    } finally {
      await api.close()
    }
  })
})

async function json(url: string): Promise<Record<string, unknown>> {
  return (await fetch(url)).json() as Promise<Record<string, unknown>>
}

/** All that the schemas name, wherever they do. */
function propertiesOf(value: unknown): Record<string, true> {
  if (typeof value !== 'object' || value === null) return {}
  return Object.assign(
    {},
    ...Object.entries(value).map(([key, one]) => ({
      ...(key === 'properties' && Object.fromEntries(Object.keys(Object(one)).map(name => [name, true]))),
      ...propertiesOf(one),
    })),
  ) as Record<string, true>
}

/** A queue with a job of every kind of field, and a mail in the quarantine. */
async function fill(dir: string): Promise<{ id: string; kept: string }> {
  const nowMs = Date.now()
  const file = path.join(dir, 'ses-bounce/queue.sqlite')
  mkdirSync(path.dirname(file))
  const worker = openWorkerQueue(file, { create: true })
  const dispatcher = openDispatcherQueue(file)
  const monoMs = Number(process.hrtime.bigint() / 1_000_000n)
  takeLead(dispatcher, monoMs)
  const whole = {
    sesId: 'mail-1-0000',
    receivedAtMs: nowMs,
    deadlineMs: nowMs + 3_600_000,
    bounceSenderArn: 'arn:aws:ses:eu-west-1:123456789012:identity/yours.example',
    explanation: 'No.',
  }
  const { jobId } = addJob(
    worker,
    request({ ...whole, recipient: { address: 'a@yours.example', isUnconfirmed: true } }),
    nowMs,
  )
  addJob(worker, request({ ...whole, sesId: 'mail-2-0000', deadlineMs: nowMs + 60_000 }), nowMs)
  const now = { ms: nowMs, monoMs }
  const claimed = dispatcher.claim('eu-west-1', now, {
    spacingMs: 0,
    notBeforeMonoMs: 0,
    longestPauseMs: 60_000,
  })
  assert.ok(claimed)
  dispatcher.begin(claimed, now)
  dispatcher.settle(
    claimed,
    { state: 'queued', what: 'retry', notBeforeMs: nowMs + 60_000, detail: 'no', blocks: 'sender' },
    { ms: nowMs, seenMonoMs: monoMs },
  )
  dispatcher.giveUpLead()
  dispatcher.close()
  worker.close()
  const eml = await keepMail(
    quarantineFolder(dir),
    'one',
    {
      quarantinedAt: new Date(nowMs).toISOString(),
      envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relayIp: '192.0.2.1' },
      held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'unsafe: null sender', job: jobId }],
      receipt: { sesId: 'mail-1-0000' },
    },
    to => void to.end('Subject: x\r\n\r\n'),
  )
  return { id: jobId, kept: path.basename(eml, '.eml') }
}
