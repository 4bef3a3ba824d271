import assert from 'node:assert/strict'
import { PassedOverSamples } from '../../src/app/passed-over'

describe('samples of mail that is passed over', () => {
  it('are twenty an hour, however much mail comes', () => {
    const samples = new PassedOverSamples()
    const taken = (atMs: number) =>
      Array.from({ length: 1000 }, () => samples.takes(atMs)).filter(Boolean).length
    assert.deepEqual([taken(5), taken(3_600_004), taken(3_600_005), taken(7_200_005)], [20, 0, 20, 20])
  })
})
