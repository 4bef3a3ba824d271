import assert from 'node:assert/strict'
import fc from 'fast-check'
import { formatFinding } from '../../src/settings/findings'
import { parseIni } from '../../src/settings/ini'

const said = (text: string): string[] => parseIni('rules.ini', text).findings.map(formatFinding)

describe('parseIni', () => {
  it('gives sections and entries in the order of the file, with their lines', () => {
    const { sections, findings } = parseIni(
      'rules.ini',
      '; first\n\n[b]\r\nx = 1, "2" ; note\n[1]\n# y\ny=a=b\n',
    )
    assert.deepEqual(findings, [])
    assert.deepEqual(sections, [
      { name: 'b', line: 3, entries: [{ key: 'x', value: '1, "2" ; note', line: 4 }] },
      { name: '1', line: 5, entries: [{ key: 'y', value: 'a=b', line: 7 }] },
    ])
  })

  it('tells entries above the first section from a section that is named main', () => {
    assert.equal(parseIni('rules.ini', 'x = 1').sections[0]?.implied, true)
    assert.equal(parseIni('rules.ini', '[main]\nx = 1').sections[0]?.implied, undefined)
  })

  it('says what the reader of Haraka passes over in silence', () => {
    assert.deepEqual(said('[a\nx = 1\n[b] ; note\nx = 1\nX = 2\nno equals\n= 1\n[a]\n[]\n'), [
      `rules.ini:1: [a] the section name isn't closed: "]" is missing behind "a"`,
      'rules.ini:3: [b] only the section name may stand on its line; put "; note" on a line of its own',
      'rules.ini:5: [b] "X" stands in line 4 already; several values go in one line, with commas',
      'rules.ini:6: [b] no "=" in this line: "no equals"',
      'rules.ini:7: [b] there is no key before the "="',
      'rules.ini:8: [a] there is a section of this name already, in line 1',
      'rules.ini:9: [] a section needs a name',
    ])
  })

  it('joins lines behind a backslash, over comments, but never over a section name', () => {
    const { sections, findings } = parseIni(
      'rules.ini',
      '[a]\nx = 1, \\\n; note\n  2\ny = 3 \\\n[b]\nz = 4\n',
    )
    assert.deepEqual(sections, [
      {
        name: 'a',
        line: 1,
        entries: [
          { key: 'x', value: '1,   2', line: 2 },
          { key: 'y', value: '3', line: 5 },
        ],
      },
      { name: 'b', line: 6, entries: [{ key: 'z', value: '4', line: 7 }] },
    ])
    assert.deepEqual(findings.map(formatFinding), [
      "rules.ini:5: [a] the line ends in a backslash, and a section name can't continue it",
    ])
    assert.deepEqual(said('[a]\nx = 1\\'), [
      'rules.ini:2: [a] the line ends in a backslash, but the file ends there',
    ])
  })

  it('never throws, and accounts for every line of any text', () => {
    const piece = fc.constantFrom('[', ']', '=', ';', '#', '\\', '"', '/', ' ', 'a', 'b', '__proto__', '\t')
    const line = fc.oneof(
      fc.array(piece, { maxLength: 6 }).map(parts => parts.join('')),
      fc.string(),
    )
    fc.assert(
      fc.property(fc.array(line, { maxLength: 12 }), lines => {
        const text = lines.join('\n')
        const { sections, findings } = parseIni('rules.ini', text)
        const seen = new Set(
          [...sections, ...sections.flatMap(({ entries }) => entries), ...findings].map(({ line }) => line),
        )
        let continues = false
        for (const [index, raw] of text.split(/\r\n|\r|\n/).entries()) {
          const isIgnored = /^\s*(?:[;#]|$)/.test(raw)
          const isContinuation = continues && !raw.trimStart().startsWith('[')
          // a line of nothing but a backslash is a blank one
          const isBlank = /^\s*\\\s*$/.test(raw)
          if (!isIgnored && !isContinuation && !isBlank)
            assert(seen.has(index + 1), `line ${index + 1} is lost`)
          if (!isIgnored) continues = /\\\s*$/.test(raw)
        }
      }),
      { numRuns: 500 },
    )
  })
})
