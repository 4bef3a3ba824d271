// A small strict reader of the OpenMetrics text format (OpenMetrics 1.0, sections 3 and 5), as far as we serve it.
// Throws at the first line that isn't as it must be.

import assert from 'node:assert/strict'
import { labelsKey } from '../../src/queue/counters'

export interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Family {
  name: string
  type: string
  help: string
  samples: Sample[]
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*/
const LABEL = /^([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"(,|})/
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?|Inf)|NaN)$/
const ENDINGS: Record<string, readonly string[]> = {
  counter: ['_total'],
  gauge: [''],
  histogram: ['_bucket', '_sum', '_count'],
}

export function readOpenMetrics(text: string): Family[] {
  assert.ok(text.endsWith('\n# EOF\n'), 'it ends with # EOF and a line feed')
  const families: Family[] = []
  for (const line of text.slice(0, -'# EOF\n'.length).split('\n').slice(0, -1)) {
    const [, kind, name = '', rest = ''] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    let family = families.at(-1)
    if (kind !== undefined) {
      if (family?.name !== name) {
        assert.ok(!families.some(known => known.name === name), `${name} comes once`)
        family = { name, type: '', help: '', samples: [] }
        families.push(family)
      }
      assert.equal(family.samples.length, 0, `${line} comes before the samples`)
      if (kind === 'HELP') family.help = rest
      else family.type = rest
    } else {
      assert.ok(family, `${line} has a family`)
      family.samples.push(sampleOf(line, family))
    }
  }
  for (const family of families) checkFamily(family)
  return families
}

function sampleOf(line: string, family: Family): Sample {
  const [name = ''] = NAME.exec(line) ?? []
  const endings = ENDINGS[family.type] ?? []
  assert.ok(
    endings.some(ending => name === family.name + ending),
    `${line} is of ${family.type} ${family.name}`,
  )
  const labels: Record<string, string> = {}
  let rest = line.slice(name.length)
  if (rest.startsWith('{')) {
    rest = rest.slice(1)
    for (let end = ''; end !== '}'; ) {
      const [all, label = '', value = '', mark = ''] = LABEL.exec(rest) ?? []
      assert.ok(all !== undefined, `${line} has labels`)
      assert.ok(!Object.hasOwn(labels, label), `${line} has ${label} once`)
      labels[label] = value.replace(/\\([\\n"])/g, (_, mark: string) => (mark === 'n' ? '\n' : mark))
      rest = rest.slice(all.length)
      end = mark
    }
  }
  const value = rest.slice(1)
  assert.ok(rest.startsWith(' ') && VALUE.test(value), `${line} has a value`)
  return { name, labels, value: Number(value.replace('Inf', 'Infinity')) }
}

function checkFamily({ name, type, help, samples }: Family): void {
  assert.ok(type in ENDINGS, `${name} is a ${type}`)
  assert.notEqual(help, '', `${name} has a help`)
  const keys = samples.map(sample => `${sample.name} ${labelsKey(sample.labels)}`)
  assert.equal(new Set(keys).size, keys.length, `${name} has each sample once`)
  if (type !== 'gauge')
    assert.ok(
      samples.every(({ value }) => value >= 0),
      `${name} counts`,
    )
  if (type === 'histogram') checkHistogram(name, samples)
}

/** Section 5.3.6: buckets grow, and the last holds all. */
function checkHistogram(name: string, samples: readonly Sample[]): void {
  const counts = samples.filter(sample => sample.name === `${name}_count`)
  for (const { labels, value } of counts) {
    const isSame = (sample: Sample) => Object.keys(labels).every(key => sample.labels[key] === labels[key])
    const buckets = samples.filter(sample => sample.name === `${name}_bucket` && isSame(sample))
    assert.equal(buckets.at(-1)?.labels['le'], '+Inf')
    assert.equal(buckets.at(-1)?.value, value)
    for (const [index, bucket] of buckets.entries()) {
      const before = buckets[index - 1]
      if (before === undefined) continue
      assert.ok(Number(before.labels['le']) < Number(bucket.labels['le']?.replace('+Inf', 'Infinity')))
      assert.ok(before.value <= bucket.value)
    }
  }
}
