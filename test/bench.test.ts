// The benchmarks measure what they say, and the page is one that they wrote. No test looks at a figure of this machine.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { SUITES } from '../bench/main'
import { measure, type Plan, quartilesOf, ratioOf, type Work } from '../bench/measure'
import { page } from '../bench/page'
import { rowNames, type Suite } from '../bench/suite'
import { type Aim, type Trial, tryOut } from '../bench/trial'
import { canBeRun, ONCE, rowsOf } from './bench-support'

const PAGE = readFileSync(path.join(__dirname, '../docs/benchmarks.md'), 'utf8')

/** A clock that works move on by themselves, and a list of who did what. */
function pretended() {
  let micros = 0
  const log: string[] = []
  const work = (name: string, each: (round: number) => number): Work => {
    let round = 0
    return async times => {
      micros += each(round++) * times
      log.push(`${name} ${times}`)
    }
  }
  return { meter: () => micros, work, log }
}

describe('the benchmarks', function () {
  canBeRun(SUITES.filter(({ name }) => name === 'hostile' || name === 'queue'))

  it('have written docs/benchmarks.md, with these rows', () => {
    assert.deepEqual(
      rowsOf(PAGE),
      SUITES.map(suite => [suite.title, rowNames(suite)]),
    )
  })

  it('write a page with what was measured', () => {
    const suite: Suite = {
      name: 'x',
      title: 'X',
      about: 'About x.',
      ratio: 'times',
      unit: 'time',
      contests: [],
    }
    const row = { name: 'a against b', ofMicros: 12_345, againstMicros: 1.26 }
    const machine = { cores: 2, cpu: 'C', memoryBytes: 2 ** 33, system: 'S', node: '20', mailparser: '3' }
    const ratios = [
      { median: 9797.6, least: 0.512, most: 10_001 },
      { median: 1.04, least: 0.998, most: 12.5 },
    ]
    const sections = (['time', 'rate'] as const).map((unit, index) => {
      const ratio = ratios[index] ?? assert.fail()
      return { suite: { ...suite, unit }, rows: [{ ...row, ratio }] }
    })
    const lines = page(sections, ONCE, machine).split('\n')
    assert.deepEqual(
      lines.filter(line => line.startsWith('| a')),
      [
        '| a against b | 9,800 | 0.51 to 10,000 | 12,000 µs against 1.3 µs |',
        '| a against b | 1.0 | 1.0 to 13 | 790,000 a second of CPU against 81 |',
      ],
    )
    assert(lines.join(' ').includes('2 cores (C), 8 GB, S, Node.js 20, mailparser 3.'))
  })
})

describe('a trial', () => {
  const rows: Aim[] = [
    { key: 'cpu', name: 'CPU time', goal: { atMost: 1.03 } },
    { key: 'gap', name: 'gap', unit: 'ms', goal: { atLeast: 1000 } },
    { key: 'sent', name: 'sent', goal: { atLeast: 0.99 } },
    { key: 'memory', name: 'memory', goal: { below: 0.1 } },
    { key: 'other', name: 'other', unit: 'ms' },
  ]
  const found = {
    cpu: { figure: 1.0312, spread: { least: 1, most: 1.0666 }, beside: '800 µs against 777 µs' },
    gap: { figure: 1005.27, beside: '120 gaps' },
    sent: { figure: 0.9899, beside: '' },
    memory: { figure: 0.1, beside: '' },
    other: { figure: 816.02, beside: '' },
  }
  const trial: Trial = { name: 'x', title: 'X', about: 'About x.', rows, run: async () => found }

  it('is shown with its goals, and with those that were not reached', async () => {
    const machine = { cores: 2, cpu: 'C', memoryBytes: 2 ** 33, system: 'S', node: '20', mailparser: '3' }
    const section = { trial, rows: await tryOut(trial, 'whole', () => undefined) }
    const lines = page([section], ONCE, machine).split('\n')
    assert.deepEqual(
      lines.filter(line => line.startsWith('| ')),
      [
        '| | figure | goal | spread | for orientation |',
        '| CPU time | 1.031 | not reached: at most 1.03 | 1 to 1.07 | 800 µs against 777 µs |',
        '| gap | 1,005.3 ms | at least 1,000 ms | | 120 gaps |',
        '| sent | 0.9899 | not reached: at least 0.99 | | |',
        '| memory | 0.1 | not reached: below 0.1 | | |',
        '| other | 816 ms | | | |',
      ],
    )
  })

  it('rejects when it has found nothing for a row', async () => {
    const empty: Trial = { ...trial, run: async () => ({ cpu: found.cpu }) }
    await assert.rejects(
      tryOut(empty, 'whole', () => undefined),
      /x has found nothing for "gap"/,
    )
  })
})

describe('measuring', () => {
  const plan: Plan = { inputs: 1, warmUpTimes: 5, warmUpMicros: 1000, rounds: 2, batchMicros: 40 }

  it('warms each work up, then gives all of them their turn, there and back again', async () => {
    const { meter, work, log } = pretended()
    const works = { quick: work('quick', () => 10), slow: work('slow', () => 30) }
    assert.deepEqual(await measure(works, plan, meter), { quick: [10, 10], slow: [30, 30] })
    const warmUp = ['quick 1', 'quick 2', 'quick 4', 'slow 1', 'slow 2', 'slow 2']
    const rounds = ['slow 2', 'quick 4', 'quick 4', 'slow 2', 'slow 2', 'quick 4']
    assert.deepEqual(log, [...warmUp, ...rounds])
  })

  it('ends the warming up of what takes long', async () => {
    const { meter, work, log } = pretended()
    await measure({ long: work('long', () => 600) }, plan, meter)
    assert.deepEqual(
      log,
      Array.from({ length: 5 }, () => 'long 1'),
    )
  })

  it('compares within a round, so that a slow one changes nothing', async () => {
    const { meter, work } = pretended()
    const works = { a: work('a', round => 60 * (round + 1)), b: work('b', round => 50 * (round + 1)) }
    const { a = [], b = [] } = await measure(works, { ...plan, warmUpMicros: 1, rounds: 5 }, meter)
    assert.deepEqual(ratioOf(a, b), { median: 1.2, least: 1.2, most: 1.2 })
  })

  it('takes the middle of the ratios, and says how far they go', () => {
    assert.deepEqual(ratioOf([2, 8, 3], [1, 2, 2]), { median: 2, least: 1.5, most: 4 })
    assert.deepEqual(ratioOf([2, 8], [1, 2]), { median: 3, least: 2, most: 4 })
  })

  it('takes the quartiles of many ratios, so that few rounds that are far off change little', () => {
    assert.deepEqual(quartilesOf([4, 1, 2, 99, 3], [1, 1, 1, 1, 1]), { median: 3, least: 1.5, most: 51.5 })
    assert.deepEqual(quartilesOf([2, 8, 9, 3], [1, 2, 3, 1]), { median: 3, least: 2.5, most: 3.5 })
    assert.deepEqual(quartilesOf([3], [2]), { median: 1.5, least: 1.5, most: 1.5 })
  })

  it('rejects when a work does', async () => {
    const failing = () => Promise.reject(new Error('no rule decides'))
    await assert.rejects(measure({ failing }, plan, pretended().meter), /no rule decides/)
  })
})
