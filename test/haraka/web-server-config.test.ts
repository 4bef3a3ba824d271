import assert from 'node:assert/strict'
import { formatDiagnostic } from '../../src/config/diagnostics'
import type { Settings } from '../../src/config/settings'
import { snapshotSources } from '../../src/config/sources'
import { webServerDiagnostics } from '../../src/haraka/web-server-config'
import { SETTINGS } from '../policy/support'

const ANY = { name: 'token', role: 'operate', sha256: '00' } as const

function said(httpIni: string | undefined, http: Settings['http'] = { hosts: [], tokens: [] }): string[] {
  const sources = snapshotSources(httpIni === undefined ? {} : { 'http.ini': httpIni })
  return webServerDiagnostics({ ...SETTINGS, http }, sources).map(formatDiagnostic)
}

describe("the diagnostic about Haraka's web server", () => {
  it('is nothing while it listens on this machine alone, or not at all', () => {
    const addresses = [
      '127.0.0.1:8080',
      '127.1.2.3',
      '[::1]:80',
      '::1',
      'localhost:8080',
      '/run/haraka.sock:770',
    ]
    for (const address of [...addresses, addresses.join(', '), '']) {
      assert.deepEqual(said(`; listen = 0.0.0.0:80\nlisten = ${address}\n`), [], address)
    }
    assert.deepEqual(said(undefined), [])
  })

  it('is a warning when other machines may reach it', () => {
    for (const address of [
      '0.0.0.0:8080',
      '[::]:80',
      '192.0.2.1',
      '127.0.0.1.example:80',
      '8080',
      '[::0]:80',
    ]) {
      const [line, ...more] = said(`[main]\nlisten = 127.0.0.1:80, ${address}\n`)
      assert.match(line ?? '', /^http\.ini:2: other machines may reach "/, address)
      assert.deepEqual(more, [])
    }
  })

  it('is a warning when there is a token, and it is off', () => {
    const [line] = said(undefined, { tokens: [ANY], hosts: [] })
    assert.equal(line, "http.ini: [http] token is set, but Haraka's web server is off: listen is missing")
    assert.deepEqual(said('listen = 127.0.0.1:80\n', { tokens: [ANY], hosts: [] }), [])
  })
})
