import assert from 'node:assert/strict'
import fc from 'fast-check'
import {
  formatDuration,
  formatSize,
  parseCount,
  parseDurationMs,
  parseNumber,
  parseSizeBytes,
} from '../../src/config/values'

describe('values', () => {
  it('reads durations, sizes and numbers with their units', () => {
    assert.deepEqual(
      ['500ms', '10s', '5 M', '24h', '7d', '1.5h'].map(parseDurationMs),
      [500, 10_000, 300_000, 86_400_000, 604_800_000, 5_400_000],
    )
    assert.deepEqual(['500', '1b', '10kb', '1.5 MB', '1gb'].map(parseSizeBytes), [
      500,
      1,
      10_240,
      1_572_864,
      2 ** 30,
    ])
    assert.deepEqual(['7', '-1', '1.5'].map(parseCount), [7, undefined, undefined])
    assert.deepEqual(['7', '-1.5', '+1', '1e3', ''].map(parseNumber), [
      7,
      -1.5,
      undefined,
      undefined,
      undefined,
    ])
  })

  it('refuses what has no unit, an unknown one, or one that every object has', () => {
    for (const text of ['', '5', '5 parsecs', 'h', '-5h', '5constructor', '5__proto__', '1,5h', '0x10s']) {
      assert.equal(parseDurationMs(text), undefined, text)
    }
    assert.equal(parseSizeBytes('5constructor'), undefined)
  })

  it('gives a finite number or nothing for any text', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d{1,20}\.?\d{0,8} ?[a-z]{0,3}$/)), text => {
        for (const parse of [parseCount, parseDurationMs, parseNumber, parseSizeBytes]) {
          const value = parse(text)
          assert(value === undefined || Number.isFinite(value))
        }
      }),
    )
  })

  it('says durations so that they read back, and sizes as people do', () => {
    assert.deepEqual([500, 1000, 90_000, 86_400_000, 1500].map(formatDuration), [
      '500ms',
      '1s',
      '90s',
      '24h',
      '1500ms',
    ])
    fc.assert(fc.property(fc.nat(), ms => assert.equal(parseDurationMs(formatDuration(ms)), ms)))
    assert.deepEqual([0, 1023, 1024, 1_572_864, 20_000_000].map(formatSize), [
      '0 bytes',
      '1023 bytes',
      '1.0 kB',
      '1.5 MB',
      '19 MB',
    ])
  })
})
