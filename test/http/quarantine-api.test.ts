// The quarantine in the API, over a real queue file and a real store.

import assert from 'node:assert/strict'
import { rmSync, writeFileSync } from 'node:fs'
import { nameOf } from '../../src/quarantine/names'
import { type Api, NOW_MS, startApi } from './api-support'
import { hold } from './quarantined'

const HOUR_MS = 3_600_000

describe('the quarantine in the API', () => {
  let api: Api
  beforeEach(async () => {
    api = await startApi()
  })
  afterEach(() => api.close())

  const mails = async (query = '') => {
    const { status, data } = await api.ask('GET', `/v1/quarantine${query}`)
    assert.equal(status, 200)
    return data as {
      mails: { id: string; subject?: string; sender?: string }[]
      next_cursor: string | null
      total: { quarantine: { mails: number } }
    }
  }
  const subjects = async (query: string) => (await mails(query)).mails.map(({ subject }) => subject)

  it('lists the mail, latest first, with its subject and how much there is', async () => {
    await hold(api, 'old', { atMs: NOW_MS - HOUR_MS })
    const id = await hold(api, 'new', { held: [{ reason: 'unsafe: null sender' }] })
    const found = await mails()
    assert.deepEqual(found.mails[0], {
      id,
      file: api.mailStore.locationOf('quarantine', id),
      size_bytes: 'Subject: new\r\n\r\nText.\r\n'.length,
      subject: 'new',
      quarantined_at: '2025-01-01T12:00:00.000Z',
      sender: 'joe@origin.example',
      envelope: { sender: 'joe@origin.example', recipients: ['a@yours.example'], relay_ip: '192.0.2.1' },
      held: [{ recipient: 'a@yours.example', rule: 'programs', reason: 'unsafe: null sender' }],
    })
    assert.deepEqual([found.mails[1]?.subject, found.next_cursor], ['old', null])
    assert.equal(found.total.quarantine.mails, 2)
  })

  it('filters by reason, rule, sender, recipient and time, all about one recipient', async () => {
    await hold(api, 'rule', { atMs: NOW_MS - 3 * HOUR_MS })
    await hold(api, 'unsafe', {
      held: [{ reason: 'unsafe: null sender', rule: 'x', recipient: 'Bob@yours.example' }],
      sender: 'ann@elsewhere.example',
      atMs: NOW_MS - 2 * HOUR_MS,
    })
    await hold(api, 'failed', { held: [{ reason: 'its bounce has failed: no' }], atMs: NOW_MS - HOUR_MS })
    await hold(api, 'both', { held: [{ reason: 'unsafe: a' }, { rule: 'x', recipient: 'c@yours.example' }] })
    for (const [query, expected] of [
      ['?reason=rule', ['both', 'rule']],
      ['?reason=unsafe', ['both', 'unsafe']],
      ['?reason=not_bounced', ['failed']],
      ['?reason=full', []],
      ['?rule=x', ['both', 'unsafe']],
      ['?rule=x&reason=unsafe', ['unsafe']],
      ['?sender=ANN@elsewhere.example', ['unsafe']],
      ['?sender=@origin.example', ['both', 'failed', 'rule']],
      ['?recipient=bob@yours.example', ['unsafe']],
      ['?recipient=@yours.example', ['both', 'failed', 'unsafe', 'rule']],
      ['?since=2025-01-01T10:00:00Z', ['both', 'failed', 'unsafe']],
      ['?until=2025-01-01T10:00:00Z', ['rule']],
      ['?since=2025-01-01T10:00:00Z&until=2025-01-01T13:00:00%2B02:00', ['unsafe']],
    ] as const)
      assert.deepEqual(await subjects(query), expected, query)
  })

  it('gives a page at a time, and each mail once, whatever leaves meanwhile', async () => {
    const ids: string[] = []
    // two of one time
    for (let n = 0; n < 7; n++) ids.push(await hold(api, `mail ${n}`, { atMs: NOW_MS + Math.floor(n / 2) }))
    const seen: string[] = []
    let cursor: string | null = ''
    let pages = 0
    while (cursor !== null) {
      const page = await mails(`?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`)
      seen.push(...page.mails.map(({ id }) => id))
      cursor = page.next_cursor
      // the last of this page goes
      if (pages++ === 0) await api.ask('DELETE', `/v1/quarantine/${seen[1]}`)
    }
    assert.equal(pages, 4)
    assert.deepEqual(seen.toSorted(), ids.toSorted())
  })

  it('looks at a limited number of mails for a page, which may be empty and have a next one', async () => {
    const { looksAtOnce } = api.mailStore
    for (let n = 0; n < looksAtOnce; n++)
      await api.queue.mail.reserve(
        [{ place: 'quarantine', name: nameOf(`filler ${n}`), bytes: 1 }],
        'x',
        Number.MAX_SAFE_INTEGER,
        NOW_MS,
      )
    await hold(api, 'rare', { held: [{ rule: 'rare' }], atMs: NOW_MS - HOUR_MS })
    const first = await mails('?rule=rare')
    assert.deepEqual(first.mails, [])
    assert.ok(first.next_cursor)
    assert.deepEqual(await subjects(`?rule=rare&cursor=${first.next_cursor}`), ['rare'])
  })

  it('says every fault of a query', async () => {
    const { status, details } = await api.ask(
      'GET',
      '/v1/quarantine?reason=bad&since=yesterday&limit=0&cursor=x&rul=x',
    )
    assert.equal(status, 400)
    assert.deepEqual(
      details.map(line => line.replace(/ .*/, '')),
      ['rul:', 'reason:', 'since:', 'limit:', 'cursor:'],
    )
  })

  it('shows a mail with its text, and what hides in it as it is', async () => {
    const raw = [
      'From: Joe <joe@origin.example>',
      'Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=',
      'Content-Type: multipart/mixed; boundary=b',
      '',
      '--b',
      'Content-Type: text/html; charset=utf-8',
      '',
      '<p onclick="x()">Hello <script>alert(1)</script>\u202eevil</p>',
      '--b',
      'Content-Disposition: attachment; filename=a.exe',
      '',
      'MZ',
      '--b--',
      '',
    ].join('\r\n')
    const id = await hold(api, 'x', { raw })
    const { status, data } = await api.ask('GET', `/v1/quarantine/${id}`)
    assert.equal(status, 200)
    const { preview, receipt } = data as {
      preview: { header: unknown[]; texts: string[]; attachments: { names: string[] }[]; is_cut: boolean }
      receipt: unknown
    }
    assert.deepEqual(receipt, { ses_id: 'x' })
    assert.deepEqual(preview.header, [
      { name: 'From', value: 'Joe <joe@origin.example>' },
      { name: 'Subject', value: 'Grüße' },
    ])
    assert.equal(preview.texts.length, 1)
    assert.match(preview.texts[0] ?? '', /Hello/)
    assert.doesNotMatch(preview.texts[0] ?? '', /<p|<script/)
    assert.deepEqual(
      preview.attachments.map(({ names }) => names),
      [['a.exe']],
    )
    assert.equal(preview.is_cut, false)
  })

  it('shows the beginning of a huge mail only, and says so', async () => {
    const raw = `Subject: x\r\n\r\n${'text '.repeat(1_000_000)}`
    const id = await hold(api, 'huge', { raw })
    const { data } = await api.ask('GET', `/v1/quarantine/${id}`)
    const { texts, is_cut: isCut } = data['preview'] as { texts: string[]; is_cut: boolean }
    assert.ok((texts[0] ?? '').length <= 20_000)
    assert.equal(isCut, true)
  })

  it('deletes a mail for good, in the audit with who and why', async () => {
    const id = await hold(api, 'x')
    const { status, data } = await api.ask('DELETE', `/v1/quarantine/${id}?reason=spam`)
    assert.deepEqual([status, data], [200, { id }])
    assert.equal((await api.ask('GET', `/v1/quarantine/${id}`)).status, 404)
    assert.equal((await api.ask('DELETE', `/v1/quarantine/${id}`)).status, 404)
    assert.equal((await mails()).total.quarantine.mails, 0)
    const { entries } = api.operator.audit.page({ limit: 10 })
    assert.deepEqual(
      entries.map(({ action, target, who, via, reason, items }) => [action, target, who, via, reason, items]),
      [['delete', id, 'token', 'api', 'spam', 1]],
    )
    assert.ok(api.log.some(line => line.includes(`deleted=${id}`)))
  })

  it('keeps a mail that Haraka does not accept, and says why', async () => {
    const id = await hold(api, 'x')
    api.smtp.endpoint = { host: '127.0.0.1', port: 1 }
    const { status, code, data } = await api.ask('POST', `/v1/quarantine/${id}/release`)
    assert.deepEqual([status, code], [409, 'NOT_RELEASED'])
    assert.match(String(data['message']), /^127\.0\.0\.1:1 did not accept it: .*ECONNREFUSED/)
    assert.equal((await mails()).mails.length, 1)
    assert.deepEqual(api.operator.audit.page({ limit: 10 }).entries, [])
    for (const unknown of [nameOf('nothing'), '..', '%2e%2e%2fx', 'x'.repeat(24)])
      assert.equal((await api.ask('POST', `/v1/quarantine/${unknown}/release`)).status, 404, unknown)
  })

  it('lists, shows and deletes a mail whose record is damaged, and does not release it', async () => {
    const id = await hold(api, 'x')
    const record = api.mailStore.locationOf('quarantine', id).replace(/eml$/, 'json')
    for (const damage of [() => writeFileSync(record, '{'), () => rmSync(record)]) {
      damage()
      assert.equal((await mails()).mails[0]?.subject, 'x')
      assert.deepEqual((await mails('?sender=joe@origin.example')).mails, [])
      assert.equal((await api.ask('GET', `/v1/quarantine/${id}`)).status, 200)
      assert.equal((await api.ask('POST', `/v1/quarantine/${id}/release`)).code, 'NOT_RELEASED')
    }
    assert.equal((await api.ask('DELETE', `/v1/quarantine/${id}`)).status, 200)
  })
})
