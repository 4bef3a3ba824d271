// A handle that is opened at its first use, by a store that may take its time.

import assert from 'node:assert/strict'
import { OpenOnce } from '../../src/queue/open-once'
import type { Eventually } from '../../src/queue/store'

interface Handle {
  number: number
  close(): void
}

/** `answers`: of each opening, in order. */
function opening(answers: readonly (() => Eventually<void>)[]) {
  const state = { opened: 0, closed: [] as number[] }
  const once = new OpenOnce<Handle>(() => {
    const number = state.opened++
    const handle = { number, close: () => void state.closed.push(number) }
    const answer = answers[number]?.()
    return answer instanceof Promise ? answer.then(() => handle) : handle
  })
  return { once, state }
}

const atOnce = () => undefined
const later = () => Promise.resolve()
const never = () => {
  throw new Error('no store')
}
const noMore = () => Promise.reject(new Error('no store'))

describe('a handle that is opened at its first use', () => {
  it('is opened once by two who ask for it before it is open', async () => {
    const { once, state } = opening([later])
    const found = await Promise.all([once.get(), once.get()])
    assert.deepEqual(
      found.map(({ number }) => number),
      [0, 0],
    )
    assert.equal(state.opened, 1)
  })

  it('is there at once if the store answers at once', () => {
    const { once } = opening([atOnce])
    const found = once.get()
    assert.ok(!(found instanceof Promise))
    assert.equal(once.get(), found)
  })

  it('is opened anew after a fault', async () => {
    const { once } = opening([noMore, never, later])
    await assert.rejects(async () => once.get(), /no store/)
    assert.throws(() => once.get(), /no store/)
    assert.equal((await once.get()).number, 2)
  })

  it('is closed as soon as it is open, and opened anew at the next use', async () => {
    const { once, state } = opening([later, atOnce])
    const first = once.get()
    await once.close()
    await first
    assert.deepEqual(state.closed, [0])
    assert.equal((await once.get()).number, 1)
  })

  it('whose closing fails is closed for everybody else', async () => {
    const faults: (() => Eventually<void>)[] = [never, noMore]
    for (const close of faults) {
      const once = new OpenOnce(() => ({ close }))
      void once.get()
      await once.close()
      assert.equal(once.value, undefined)
    }
  })

  it('can be closed when it was never opened, or could not be', async () => {
    const { once, state } = opening([noMore])
    await once.close()
    const failed = once.get()
    await once.close()
    await assert.rejects(async () => failed, /no store/)
    assert.deepEqual(state.closed, [])
  })
})
