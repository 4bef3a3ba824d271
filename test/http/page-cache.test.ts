// A page that is asked for often is made once, as long as it would be the same.

import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Kept } from '../../src/http/page-cache'
import { Database } from '../../src/queue/sqlite/database'
import { HOUR_MS, request } from '../queue/support'
import { NOW_MS, startApi } from './api-support'
import { bearer } from './support'

describe('a page that is kept', () => {
  const reply = (body: string) => Promise.resolve({ status: 200, body })

  it('is made again when anything that it comes of is another', async () => {
    const kept = new Kept()
    const made: string[] = []
    const ask = async (...of: unknown[]) =>
      (await kept.reply(of, () => reply(`${made.push(of.join())}`))).body
    const some = {}
    for (const [of, expected] of [
      [[1, some], '1'],
      [[1, some], '1'],
      [[2, some], '2'],
      [[1, some], '3'],
      [[1, {}], '4'],
      [[1], '5'],
    ] as const)
      assert.equal(await ask(...of), expected)
  })

  it('is not what could not be made', async () => {
    const kept = new Kept()
    await kept.reply([1], () => reply('first'))
    const failing = () => Promise.reject(new Error('no queue'))
    await assert.rejects(kept.reply([2], failing), /no queue/)
    assert.equal((await kept.reply([2], () => reply('second'))).body, 'second')
  })

  it('is made once for requests that come while it is made', async () => {
    const kept = new Kept()
    let made = 0
    const make = async () => {
      made++
      await nextTurn()
      return { status: 200, body: 'only' }
    }
    const answers = [1, 2, 3].map(() => kept.reply([1], make))
    assert.deepEqual(
      (await Promise.all(answers)).map(({ body }) => body),
      ['only', 'only', 'only'],
    )
    assert.equal(made, 1)
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
