// [main] on_error, read from files that have errors.

import assert from 'node:assert/strict'
import { startsOnLastGood } from '../../src/config/on-error'
import { SETTINGS } from '../policy/support'

describe('on_error of files with errors', () => {
  const startsWith = (text: string | undefined, saved?: 'stop' | 'last_good', env = {}) =>
    startsOnLastGood({ read: () => text }, saved && { main: { ...SETTINGS.main, onError: saved } }, env)

  it('counts where its line can be read, whatever the last good configuration says', () => {
    for (const broken of ['[nonsense]', 'no equals', '[relay]\ntrusted = somewhere', '[main]\nmode = x']) {
      assert.ok(startsWith(`[main]\non_error = last_good\n${broken}\n`, 'stop'), broken)
      assert.ok(startsWith(`${broken}\n[main]\non_error = last_good\n`), broken)
      assert.ok(!startsWith(`[main]\non_error = stop\n${broken}\n`, 'last_good'), broken)
    }
  })

  it('may be in a variable', () => {
    assert.ok(startsWith('[main]\non_error = env:ON_ERROR\n', 'stop', { ON_ERROR: 'last_good' }))
    assert.ok(!startsWith('[main]\non_error = env:ON_ERROR\n', 'stop'))
  })

  it('is that of the last good configuration where it cannot be read', () => {
    for (const broken of [
      undefined,
      '',
      '[main]\non_errr = last_good',
      '[main]\non_error = lastgood',
      '[mian]\non_error = stop',
    ]) {
      assert.ok(startsWith(broken, 'last_good'), broken)
      assert.ok(!startsWith(broken, 'stop'), broken)
      assert.ok(!startsWith(broken), broken)
    }
  })
})
