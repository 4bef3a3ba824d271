import assert from 'node:assert/strict'
import { newJobId } from '../../src/queue/job-id'

describe('the ids of jobs', () => {
  it('are all different, also of a day of jobs in one millisecond', () => {
    const ids = Array.from({ length: 86_400 }, () => newJobId(1_795_000_000_000))
    assert.equal(new Set(ids).size, ids.length)
    for (const id of ids.slice(0, 10)) assert.match(id, /^[0-9a-z]{13}$/)
  })

  it('are in order of time', () => {
    assert.ok(newJobId(1_795_000_000_000) < newJobId(1_795_000_000_001))
  })
})
