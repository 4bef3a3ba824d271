// The bounce API through a real Haraka with two workers and its web server: in by HTTP, out as a call to SES.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'
import fc from 'fast-check'
import { sha256 } from '../../src/config/secret'
import { FAULT_CODES } from '../../src/http/reply'
import { assertDescribed } from '../http/described'
import { raw } from '../http/fuzz-requests'
import { sendRaw } from '../http/fuzz-run'
import { TOKEN as TOKEN_OF_FUZZ } from '../http/support'
import { checkout } from './support/directory'
import { bounceOf, relay, startFlow } from './support/flow'
import { openFiles, startServed, TOKEN } from './support/http'
import { newSesId } from './support/mail'
import { freePort } from './support/ports'
import type { Product } from './support/product'
import { until } from './support/wait'

const document = readFileSync(path.join(checkout, 'docs/api.md'), 'utf8')

describe("the API on Haraka's web server, with two workers", () => {
  let product: Product
  let port: number
  let url: string
  before(async () => {
    ;({ product, port } = await startServed())
    url = `http://127.0.0.1:${port}/ses-bounce`
  })
  after(() => product.stop())

  const ask = async (method: string, where: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(url + where, {
      method,
      headers: {
        Authorization: `Bearer ${TOKEN}`,
        // a connection that is kept may be closed just as it is used again
        Connection: 'close',
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const json = (await response.json()) as { data?: Record<string, unknown>; error?: { code: string } }
    assertDescribed(method, where, response.status, json)
    return { status: response.status, data: json.data ?? {}, code: json.error?.code }
  }

  function submission(changes: Record<string, unknown> = {}) {
    const known = {
      original_message_id: newSesId(),
      region: 'eu-west-1',
      received_at: new Date().toISOString(),
      sender: 'someone@origin.example',
      recipients: [{ address: 'user@yours.example', type: 'DoesNotExist' }],
      authenticated: true,
      ...changes,
    }
    product.ses.addMessage({
      sesId: known.original_message_id,
      region: known.region,
      sender: known.sender,
      recipients: known.recipients.map(({ address }) => address),
      receivedAtMs: Date.parse(known.received_at),
    })
    return known
  }

  const ended = (id: string) =>
    until(
      async () => {
        const { data } = await ask('GET', `/v1/bounces/${id}`)
        return data['state'] !== 'queued' && data['state'] !== 'sending' && data
      },
      { what: `the end of ${id}` },
    )

  it('sends a submitted bounce exactly as submitted, and shows its outcome', async () => {
    const body = submission({ explanation: 'Gone for good.' })
    const { status, data } = await ask('POST', '/v1/bounces', body)
    assert.equal(status, 202)
    const job = await ended(String(data['id']))
    assert.equal(job['state'], 'sent')
    const call = product.ses.calls.find(
      ({ params }) => params['OriginalMessageId'] === body.original_message_id,
    )
    assert.equal(call?.input?.BounceSender, 'mailer-daemon@yours.example')
    assert.equal(call?.input?.Explanation, 'Gone for good.')
    assert.match(JSON.stringify(call?.input), /"Recipient":"user@yours.example","BounceType":"DoesNotExist"/)
    assert.deepEqual(
      (job['history'] as { what: string }[]).map(({ what }) => what),
      ['queued', 'claimed', 'sent'],
    )
  })

  it('and the relay add a recipient of a mail only once, in either order', async () => {
    const { mail } = await relay(product)
    await bounceOf(product, mail)
    const { status, data } = await ask(
      'POST',
      '/v1/bounces',
      submission({ original_message_id: mail.sesId, sender: mail.sender }),
    )
    assert.equal(status, 200)
    assert.equal((data['recipients'] as { state: string }[])[0]?.state, 'sent')
    assert.equal(
      product.ses.calls.filter(({ params }) => params['OriginalMessageId'] === mail.sesId).length,
      1,
    )
  })

  it('gives one answer to a key, whichever worker is asked', async () => {
    const body = submission()
    const answers = await Promise.all(
      Array.from({ length: 12 }, () => ask('POST', '/v1/bounces', body, { 'Idempotency-Key': 'one' })),
    )
    assert.deepEqual(
      answers.map(({ status, data }) => [status, data]),
      answers.map(() => [202, answers[0]?.data]),
    )
    assert.equal(product.jobs({ sesId: body.original_message_id }).length, 1)
    const workers = product.haraka.workers()
    assert.equal(workers.length, 2)
    // a worker opens the queue when it is first asked for something of it
    for (const pid of workers) assert.ok(openFiles(pid).includes(product.queueFile), `${pid} was asked`)
  })

  it('answers a hundred odd requests without a fault', async () => {
    const paths = [
      '/v1/bounces',
      '/v1/bounces/%00',
      '/v1/bounces?limit=x',
      '/v1/%ff',
      '/v1/bounces?cursor=%0d%0a',
    ]
    const bodies = [
      undefined,
      1,
      [],
      {},
      submission({ sender: '' }),
      submission({ recipients: [{ address: '\u202e' }] }),
    ]
    const statuses: number[] = []
    for (let n = 0; n < 100; n++) {
      const method = ['GET', 'POST', 'PUT', 'DELETE'][n % 4] ?? ''
      const body = method === 'GET' ? undefined : bodies[n % bodies.length]
      statuses.push((await ask(method, paths[n % paths.length] ?? '', body)).status)
    }
    assert.deepEqual(
      statuses.filter(status => status >= 500),
      [],
    )
  })

  it('survives bytes that no client would send, in every worker', async () => {
    const workers = product.haraka.workers()
    const requests = fc.sample(raw, { numRuns: 300 }).map(({ bytes, client }) => {
      const text = bytes.toString('latin1').replaceAll(TOKEN_OF_FUZZ, TOKEN)
      return { bytes: Buffer.from(text, 'latin1'), client }
    })
    const statuses: number[] = []
    for (let from = 0; from < requests.length; from += 20)
      statuses.push(
        ...(await Promise.all(requests.slice(from, from + 20).map(one => sendRaw(port, one)))).flat(),
      )
    assert.ok(statuses.includes(200) && statuses.includes(400), statuses.join(' '))
    assert.deepEqual(
      statuses.filter(status => status >= 500),
      [],
    )
    assert.deepEqual(product.haraka.workers(), workers)
  })

  it('keeps the token to itself: neither the log nor the last good configuration has it', () => {
    const file = path.join(product.haraka.dir, 'ses-bounce/last-good.json')
    const saved = readFileSync(file, 'utf8')
    assert.ok(saved.includes(sha256(TOKEN)))
    assert.equal(statSync(file).mode & 0o077, 0)
    assert.ok(!saved.includes(TOKEN))
    assert.deepEqual(
      product.haraka.log().filter(line => line.includes(TOKEN)),
      [],
    )
  })

  it('does what docs/api.md shows, command by command', async function () {
    if (!existsSync('/usr/bin/curl')) this.skip()
    const commands = [...document.matchAll(/```sh\n([^]*?)```/g)]
      .map(([, command = '']) => command)
      // nothing is in this quarantine
      .filter(command => !command.includes('/quarantine/$ID'))
    for (const path of [
      'bounces"',
      'bounces/$ID',
      'bounces?',
      'quarantine?',
      'flush',
      'audit',
      'openapi.json',
    ])
      assert.ok(
        commands.some(command => command.includes(`"$API/${path}`)),
        path,
      )
    let id = ''
    const answers: [command: string, data: Record<string, unknown>][] = []
    for (const command of commands) {
      const { stdout } = await promisify(execFile)('bash', ['-euc', command], {
        env: { PATH: process.env['PATH'] ?? '', API: `${url}/v1`, TOKEN, ID: id },
      })
      const answer = JSON.parse(stdout) as { success?: boolean; data?: Record<string, unknown> }
      answers.push([command, answer.data ?? {}])
      if (command.includes('openapi.json')) assert.ok('openapi' in answer)
      else if (!command.includes('DELETE')) assert.equal(answer.success, true, `${command}: ${stdout}`)
      if (typeof answer.data?.['id'] === 'string') id = answer.data['id']
    }
    const [, shown] = /```sh\n[^]*?```\n\n```json\n([^]*?)```/.exec(document) ?? []
    assert.deepEqual(keysOf(JSON.parse(shown ?? '')), keysOf({ success: true, data: answers[0]?.[1] }))
  })

  it('warns at boot of a web server that others can reach, and answers that the API is off without a token', async () => {
    const open = await freePort()
    const other = await startFlow({
      files: { 'config/http.ini': `listen = 127.0.0.1:${open}, 0.0.0.0:${await freePort()}\n` },
      haraka: { nodes: 0 },
    })
    try {
      await other.haraka.waitForLog('init_http_respond')
      await other.haraka.waitForLog(/http\.ini:1: .*other machines may reach/)
      const response = await fetch(`http://127.0.0.1:${open}/ses-bounce/v1/bounces`, {
        headers: { Authorization: `Bearer ${TOKEN}` },
      })
      assert.equal(response.status, 401)
      assert.match(await response.text(), /"API_OFF"/)
    } finally {
      await other.stop()
    }
  })
})

describe('docs/api.md', () => {
  it('explains every code of a failure', () => {
    const explained = [...document.matchAll(/^\| \d+ \| `([A-Z_]+)` \|/gm)].map(([, code]) => code)
    assert.deepEqual(explained.toSorted(), [...FAULT_CODES].toSorted())
  })
})

/** The keys of all objects in it, by their place. */
function keysOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(keysOf)
  if (typeof value !== 'object' || value === null) return ''
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, keysOf(one)]))
}
