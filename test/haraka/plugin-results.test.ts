import assert from 'node:assert/strict'
import { resultsAt } from '../../src/haraka/plugin-results'

const store = (results: Record<string, unknown>) => ({
  get: (plugin: string) => (Object.hasOwn(results, plugin) ? results[plugin] : undefined),
})

describe('results of other plugins', () => {
  const transaction = store({
    rspamd: {
      score: 15.5,
      is_skipped: false,
      symbols: { BAYES_SPAM: { score: 5 }, 'a.b': { score: 1 } },
      nothing: null,
    },
    'rcpt_to.in_host_list': { pass: ['rcpt', 'again'], msg: [] },
    deep: { list: [1, 'two', true, ['no'], { not: 'this' }], object: {} },
  })
  const connection = store({ rspamd: { score: 3 }, fcrdns: { fcrdns: ['a.example'] } })
  const at = (path: string) => resultsAt([transaction, connection], path)

  it('are found by plugin and path, of mail and connection', () => {
    assert.deepEqual(at('rspamd.score'), [15.5, 3])
    assert.deepEqual(at('rspamd.symbols.BAYES_SPAM.score'), [5])
    assert.deepEqual(at('fcrdns.fcrdns'), ['a.example'])
  })

  it('may have dots in the name of the plugin and in keys', () => {
    assert.deepEqual(at('rcpt_to.in_host_list.pass'), ['rcpt', 'again'])
    assert.deepEqual(at('rspamd.symbols.a.b.score'), [1])
  })

  it('are texts and numbers, true and false as text, and the elements of lists', () => {
    assert.deepEqual(at('rspamd.is_skipped'), ['false'])
    assert.deepEqual(at('deep.list'), [1, 'two', 'true'])
  })

  it('are nothing where there is nothing, or nothing to compare', () => {
    for (const path of [
      'rspamd',
      'rspamd.nothing',
      'deep.object',
      'nobody.at.home',
      'rspamd.constructor',
      'deep.list.length.x',
      '__proto__.x',
      'rspamd.score.toFixed',
    ]) {
      assert.deepEqual(at(path), [], path)
    }
  })
})
