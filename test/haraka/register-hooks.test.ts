// The places of the plugin's hooks among those of other plugins.

import assert from 'node:assert/strict'
import { PluginHooks } from '../../src/haraka/register-hooks'
import type { HarakaPlugin, RegisteredHook } from '../../src/haraka/types'

/** Haraka's registry (plugins.js): hooks of other plugins at -100, of which some stand above ours in config/plugins. */
function registry(hook: string) {
  const hooks: Record<string, RegisteredHook[]> = {}
  let order = 0
  const register = (plugin: string, name: string, method: string, priority = 0) => {
    hooks[name] ??= []
    hooks[name].push({ plugin, method, priority, order: order++ })
  }
  const plugin = {
    name: 'ses-bounce',
    haraka_require: () => ({ registered_hooks: hooks }),
    register_hook: (name: string, method: string, priority?: number) =>
      register('ses-bounce', name, method, priority),
  } as unknown as HarakaPlugin
  register('above', hook, 'hook', -100)
  const ours = new PluginHooks(plugin)
  register('below', hook, 'hook', -100)
  return { ours, called: () => hooks[hook]?.map(one => one.plugin) }
}

describe('hooks that are added when they are needed', () => {
  it('come between the plugins above and below ours in config/plugins, as if they had been there at boot', () => {
    const { ours, called } = registry('rcpt_ok')
    ours.forHeld()
    assert.deepEqual(called(), ['above', 'ses-bounce', 'below'])
  })

  it('come before all others of their priority at queue, where decisions are carried out', () => {
    const { ours, called } = registry('queue')
    ours.forCommit()
    assert.deepEqual(called(), ['ses-bounce', 'above', 'below'])
  })

  it('are added once', () => {
    const { ours, called } = registry('queue')
    ours.forHeld()
    ours.forCommit()
    ours.forHeld()
    assert.deepEqual(called(), ['ses-bounce', 'above', 'below'])
  })
})
