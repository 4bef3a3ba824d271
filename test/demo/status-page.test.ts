// The demo without a status page goes on, and says why; with one it waits until its own answers.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { pageAt, showPage } from '../../demo/status-page'
import type { Terminal } from '../../demo/terminal'

const checkout = path.join(__dirname, '../..')

describe('the status page of the demo', () => {
  const { signal: stop } = new AbortController()

  it('is left out, with a line, if express is missing', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'no-express-'))
    try {
      mkdirSync(path.join(dir, 'node_modules/Haraka'), { recursive: true })
      const page = pageAt(8080, dir)
      assert.equal(page, undefined)
      const { terminal, lines } = kept()
      assert.equal(await showPage(page, { terminal, stop }), undefined)
      assert.deepEqual(lines, ['No status page: express is not installed here; npm ci installs it.'])
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  it('has a token of its own each time', () => {
    const tokens = [1, 2].map(() => pageAt(8080, checkout)?.token ?? '')
    for (const token of tokens) assert.match(token, /^[0-9a-f]{32}$/)
    assert.notEqual(tokens[0], tokens[1])
  })

  it('is shown when it answers to its token, and not before', async () => {
    const statuses = [404, 401, 503, 200]
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      assert.deepEqual(lines, [])
      asked.push(request.headers.authorization)
      response.writeHead(statuses[asked.length - 1] ?? 500).end()
    })
    const { terminal, lines } = kept()
    await once(server.listen(0, '127.0.0.1'), 'listening')
    try {
      const page = pageAt((server.address() as AddressInfo).port, checkout) ?? assert.fail('there is express')
      assert.equal(await showPage(page, { terminal, stop }), page)
      assert.deepEqual(lines, [`Watch it in a browser: ${page.url} with the token ${page.token}`])
      assert.deepEqual(
        asked,
        statuses.map(() => `Bearer ${page.token}`),
      )
    } finally {
      server.close()
    }
  })

  it('is not waited for when the demo ends', async () => {
    const page = pageAt(8080, checkout) ?? assert.fail('there is express')
    const { terminal, lines } = kept()
    // nobody can listen on port 0
    const nowhere = { ...page, url: 'http://127.0.0.1:0/' }
    await assert.rejects(showPage(nowhere, { terminal, stop: AbortSignal.abort() }), { name: 'AbortError' })
    assert.deepEqual(lines, [])
  })
})

function kept(): { terminal: Terminal; lines: string[] } {
  const lines: string[] = []
  const line = (text = '') => void lines.push(text)
  return { lines, terminal: { line, status: () => {}, paint: (_, text) => text, columns: () => 110 } }
}
