import assert from 'node:assert/strict'
import { QueueError } from '../../../src/errors'
import { openConnection, type PostgresConnection } from '../../../src/queue/postgres/connection'
import { until } from '../../live/support/wait'
import { TcpProxy } from '../../postgres/proxy'
import { preparedSchema, type TestSchema } from './support'

const TIMEOUT_MS = 300
const CALLS = 6

/** A busy machine may need longer than the timeout. */
const answer = (connection: PostgresConnection) =>
  until(() => connection.call<{ term: number }>('leader_1', {}).catch(() => undefined), { what: 'an answer' })

describe('a database that answers nothing any more', () => {
  let schema: TestSchema
  let proxy: TcpProxy
  before(async () => {
    schema = await preparedSchema()
    proxy = await TcpProxy.start(schema.target.port)
  })
  after(async () => {
    await proxy.close()
    await schema.remove()
  })

  // pg-pool calls back for each wait that it ends, also after the caller has given it up
  for (const isConnected of [true, false]) {
    const when = isConnected ? 'while it is used' : 'before the first connection'
    it(`ends all waits ${when} with a fault that passes, and only with that`, async () => {
      const connection = openConnection({ ...schema.target, port: proxy.port, timeoutMs: TIMEOUT_MS })
      if (isConnected) await answer(connection)
      proxy.hole()
      const ended = await Promise.allSettled(
        Array.from({ length: CALLS }, () => connection.call('leader_1', {})),
      )
      for (const one of ended) {
        assert.ok(one.status === 'rejected' && one.reason instanceof QueueError)
        assert.equal(one.reason.code, 'QUEUE_UNREACHABLE')
      }
      // the pool's own limits come later
      await new Promise(resolve => setTimeout(resolve, 3 * TIMEOUT_MS))
      proxy.heal()
      assert.equal((await answer(connection)).term, 0)
      await connection.close()
    })
  }
})
