import assert from 'node:assert/strict'
import {
  type Answer,
  holdsForOne,
  MatchBudget,
  MatchBudgetError,
  SYNC_ONLY,
} from '../../src/policy/match-budget'

/** A clock that each look moves on, and what it shows. */
function ticking(stepMs: number) {
  let ms = 0
  return {
    now: () => {
      ms += stepMs
      return ms
    },
  }
}

const noSearch = () => assert.fail('nobody searches')
const later = (held: boolean): Answer => Promise.resolve(held)

describe('the effort for a mail', () => {
  it('is spent by matching, and then everything rejects', async () => {
    const budget = new MatchBudget({ search: noSearch, ...ticking(100), budgetMs: 350 })
    await budget.pause()
    await budget.pause()
    await assert.rejects(async () => {
      await budget.pause()
      await budget.pause()
    }, MatchBudgetError)
    await assert.rejects(budget.pause(), MatchBudgetError)
  })

  it('charges a search for its time, and limits it to the rest', async () => {
    const given: number[] = []
    const budget = new MatchBudget({
      search: async (_sources, _text, timeoutMs) => {
        given.push(timeoutMs)
        return { found: [1], tookMs: 400 }
      },
      now: () => 0,
      budgetMs: 1000,
    })
    assert.deepEqual(await budget.search(['x'], 'y'), [1])
    await budget.search(['x'], 'y')
    await assert.rejects(budget.search(['x'], 'y'), MatchBudgetError)
    assert.deepEqual(given, [1000, 600, 200])
  })

  it("does not count what isn't matching", async () => {
    let ms = 0
    const budget = new MatchBudget({ search: noSearch, now: () => ms, budgetMs: 50 })
    const read = await budget.without(async () => {
      ms += 10_000
      return 'content'
    })
    assert.equal(read, 'content')
    await budget.pause()
  })

  it('is due for a pause after some milliseconds', () => {
    let ms = 0
    const budget = new MatchBudget({ search: noSearch, now: () => ms })
    assert(!budget.isDue())
    ms = 50
    assert(budget.isDue())
  })
})

describe('holdsForOne', () => {
  it('is `some`, at once where it can be, and asks no further than needed', async () => {
    const asked: number[] = []
    const ask = (answers: Answer[]) =>
      holdsForOne(
        answers.map((answer, index) => ({ answer, index })),
        ({ answer, index }) => {
          asked.push(index)
          return answer
        },
        SYNC_ONLY,
      )
    assert.equal(ask([]), false)
    assert.equal(ask([false, true, false]), true)
    assert.deepEqual(asked.splice(0), [0, 1])
    assert.equal(await ask([false, later(false), later(true), true]), true)
    assert.deepEqual(asked.splice(0), [0, 1, 2])
    assert.equal(await ask([later(false), false]), false)
  })

  it('lets others run, and ends when the effort is spent', async () => {
    let others = 0
    let isOver = false
    const other = () => {
      others++
      if (!isOver) setImmediate(other)
    }
    setImmediate(other)
    const budget = new MatchBudget({ search: noSearch, ...ticking(15), budgetMs: 3000 })
    const endless = Array.from({ length: 10_000 }, (_, i) => i)
    try {
      await assert.rejects(async () => holdsForOne(endless, () => false, budget), MatchBudgetError)
    } finally {
      isOver = true
    }
    // a slice of 10 ms is over at the first look, and a second settles it
    assert.equal(others, 3000 / (2 * 15))
  })
})
