import assert from 'node:assert/strict'
import { loadSettings, parseSettings } from '../../src/config/load'
import { sha256, withoutSecrets } from '../../src/config/secret'

const TOKEN = 'hunter2-hunter2-hunter2'
const PLAIN = { name: 'token', role: 'operate', sha256: sha256(TOKEN) }

function load(text: string, env: Record<string, string> = {}) {
  return loadSettings(parseSettings(text), env)
}

describe('[http] token', () => {
  it('is known by its digest, from the file, from the environment, or given as that', () => {
    const texts = [
      `token = ${TOKEN} ; a comment`,
      'token = env:TOKEN',
      `token = sha256:${sha256(TOKEN).toUpperCase()}`,
    ]
    for (const text of texts) {
      const { settings, diagnostics } = load(`[http]\n${text}\n`, { TOKEN })
      assert.deepEqual([settings.http.tokens, diagnostics], [[PLAIN], []], text)
    }
    assert.deepEqual(load('[http]\ntoken =\n').settings.http.tokens, [])
  })

  it('is shown in no diagnostic, however wrong the file is', () => {
    const texts = [
      '[http]\ntoken = hunter2',
      '[http]\ntoken = hunter2 hunter2 hunter2',
      '[http]\ntoken hunter2-hunter2-hunter2',
      '[http] token = hunter2-hunter2-hunter2',
      '[http]\ntokn = hunter2-hunter2-hunter2',
      '[main]\ntoken = hunter2-hunter2-hunter2',
      '[http]\ntoken = a\\\ntoken = hunter2-hunter2-hunter2',
      '[http]\ntoken = hunter2-hunter2-hunter2\ntoken = hunter2-hunter2-hunter2',
      `[http]\ntoken = ${TOKEN.repeat(100)}`,
    ]
    for (const text of texts) {
      const { diagnostics } = load(text)
      assert.ok(diagnostics.length > 0, text)
      assert.doesNotMatch(JSON.stringify(diagnostics), /hunter2/, text)
    }
  })

  it('is kept as its digest in what is kept of the file, and means the same there', () => {
    const texts = [
      `[main]\nmode = observe\n[http] ; it\ntoken = ${TOKEN} ; secret\n[limit]\ninterval = 2s\n`,
      `[http]\r\ntoken=${TOKEN}`,
      `[http]\ntoken = hunter2-\\\n; between\nhunter2-\\\nhunter2\n[main]\nmode = observe\n`,
    ]
    for (const text of texts) {
      const kept = withoutSecrets(text)
      assert.doesNotMatch(kept, /hunter2/, text)
      const [before, after] = [load(text), load(kept)]
      assert.deepEqual(after.settings, before.settings, text)
      assert.deepEqual(before.diagnostics, [], text)
    }
  })

  it('stays where it is the name of a variable, a digest, empty or missing', () => {
    const texts = ['token = env:TOKEN', `token = sha256:${sha256(TOKEN)}`, 'token =', '']
    for (const text of texts.map(line => `[http]\n${line}\n`)) assert.equal(withoutSecrets(text), text)
  })
})
