import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { sha256, withoutSecrets } from '../../src/config/secret'

const [ONE, TWO, THREE] = ['hunter2-hunter2-one', 'hunter2-hunter2-two', 'hunter2-hunter2-three']
const TEXT = `[http]
token = ${ONE}
token.monitoring = env:READ_TOKEN
token.Anna = ${THREE} ; hers
role.Anna = operate
`

function load(text: string, env: Record<string, string> = {}) {
  return loadSettings(parseSettings(text), env)
}

describe('tokens with names in [http]', () => {
  it('are known by their digests, and may only read unless a role says more', () => {
    const { settings, diagnostics } = load(TEXT, { READ_TOKEN: TWO })
    assert.deepEqual(diagnostics, [])
    assert.deepEqual(settings.http.tokens, [
      { name: 'token', role: 'operate', sha256: sha256(ONE) },
      { name: 'monitoring', role: 'read', sha256: sha256(TWO) },
      { name: 'Anna', role: 'operate', sha256: sha256(THREE) },
    ])
  })

  it('may be there without the one that has no name', () => {
    assert.deepEqual(load(`[http]\nrole.a = READ\ntoken.a = ${ONE}\n`).settings.http.tokens, [
      { name: 'a', role: 'read', sha256: sha256(ONE) },
    ])
  })

  it('are kept as digests in what is kept of the file, and mean the same there', () => {
    const kept = withoutSecrets(TEXT)
    assert.doesNotMatch(kept, /hunter2/)
    const env = { READ_TOKEN: TWO }
    assert.deepEqual(load(kept, env).settings, load(TEXT, env).settings)
  })

  it('are shown in no diagnostic', () => {
    for (const text of [
      'token.a = hunter2',
      'token. = hunter2-hunter2-hunter2',
      'token.a hunter2-hunter2-hunter2',
      'tokn.a = hunter2-hunter2-hunter2',
      'role.a = hunter2-hunter2-hunter2',
    ]) {
      const { diagnostics } = load(`[http]\n${text}\n`)
      assert.ok(diagnostics.length > 0, text)
      assert.doesNotMatch(JSON.stringify(diagnostics), /hunter2/, text)
    }
  })
})
