// A page that is asked for often is made once, as long as it would be the same.

import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { Kept } from '../../src/http/page-cache'
import { Database } from '../../src/queue/sqlite/database'
import { HOUR_MS, request } from '../queue/support'
import { NOW_MS, startApi } from './api-support'
import { bearer } from './support'

describe('a page that is kept', () => {
  const reply = (body: string) => ({ status: 200, body })

  it('is made again when anything that it comes of is another', () => {
    const kept = new Kept()
    const made: string[] = []
    const ask = (...of: unknown[]) => kept.reply(of, () => reply(`${made.push(of.join())}`)).body
    const some = {}
    assert.deepEqual([ask(1, some), ask(1, some), ask(2, some), ask(1, some)], ['1', '1', '2', '3'])
    assert.deepEqual([ask(1, {}), ask(1)], ['4', '5'])
  })

  it('is not what could not be made', () => {
    const kept = new Kept()
    kept.reply([1], () => reply('first'))
    const failing = () => {
      throw new Error('no queue')
    }
    assert.throws(() => kept.reply([2], failing), /no queue/)
    assert.equal(kept.reply([2], () => reply('second')).body, 'second')
  })

  it('asks the store nothing within a second, unless the queue changes or another kind of viewer asks', async () => {
    const api = await startApi()
    const spies = (['all', 'get'] as const).map(name => mock.method(Database.prototype, name))
    const count = () => spies.reduce((sum, spy) => sum + spy.mock.callCount(), 0)
    const look = async (headers: Record<string, string> = bearer) => {
      const before = count()
      const body = await (await fetch(`${api.url}/`, { headers })).text()
      return { body, asked: count() - before }
    }
    try {
      assert.ok((await look()).asked > 5)
      const again = await look()
      assert.equal(again.asked, 0)
      const other = await look({})
      assert.ok(other.asked > 5)
      assert.doesNotMatch(other.body, /Sign out/)
      assert.equal((await look()).asked, 0, 'who may see more is shown what was made for him')
      api.queue.add([request({ deadlineMs: NOW_MS + HOUR_MS })], NOW_MS)
      const written = await look()
      assert.ok(written.asked > 5)
      assert.notEqual(written.body, again.body)
      api.clock.ms += 1000
      assert.ok((await look()).asked > 5)
      api.clock.monoMs += 1000
      assert.ok((await look()).asked > 5)
      api.configure('[main]\nmode = observe\n')
      assert.match((await look()).body, /observe/)
    } finally {
      mock.restoreAll()
      await api.close()
    }
  })
})
