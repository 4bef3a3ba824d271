import assert from 'node:assert/strict'
import path from 'node:path'
import fc from 'fast-check'
import { formatDiagnostic } from '../../src/config/diagnostics'
import { parseIni } from '../../src/config/ini'
import { cpuMs } from '../cpu-time'

const haraka = path.dirname(require.resolve('Haraka/package.json'))
const harakaReader = require(
  require.resolve('haraka-config/lib/readers/ini', { paths: [haraka] }),
) as HarakaReader

interface HarakaReader {
  parseIni(name: string, options: object, text: string): Record<string, Record<string, unknown>>
  logger: (message: string) => void
}

const said = (text: string): string[] => parseIni('rules.ini', text).diagnostics.map(formatDiagnostic)

describe('parseIni', () => {
  it('gives sections and entries in the order of the file, with their lines', () => {
    const { sections, diagnostics } = parseIni(
      'rules.ini',
      '; first\n\n[b]\r\nx = 1, "2" ; note\n[1]\n# y\ny=a=b\n',
    )
    assert.deepEqual(diagnostics, [])
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
      `rules.ini:1: [a] the section name isn't closed: "]" is missing after "a"`,
      'rules.ini:3: [b] a section name must be alone on its line; put "; note" on a line of its own',
      'rules.ini:5: [b] "X" is in line 4 already; several values go in one line, separated by commas',
      'rules.ini:6: [b] no "=" in this line: "no equals"',
      'rules.ini:7: [b] there is no key before the "="',
      'rules.ini:8: [a] there is a section of this name already, in line 1',
      'rules.ini:9: [] a section needs a name',
    ])
  })

  it('joins lines behind a backslash, over comments, but never over a section name', () => {
    const { sections, diagnostics } = parseIni(
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
    assert.deepEqual(diagnostics.map(formatDiagnostic), [
      "rules.ini:5: [a] the line ends in a backslash, and a section name can't continue it",
    ])
    assert.deepEqual(said('[a]\nx = 1\\'), [
      'rules.ini:2: [a] the line ends in a backslash, but nothing continues it',
    ])
  })

  it('says where a backslash joins what was not meant to be joined', () => {
    const nothing = 'the line ends in a backslash, but nothing continues it'
    assert.deepEqual(said('[a]\nx = 1, \\\n\ny = 2'), [`rules.ini:2: [a] ${nothing}`])
    assert.deepEqual(said('[a]\nx = 1 \\\n; note\n2 \\\n'), [`rules.ini:2: [a] ${nothing}`])
    assert.deepEqual(said('[a]\nx = 1, \\\nnot.y = 2\n'), [
      'rules.ini:3: [a] "not.y = 2" continues line 2, which ends in a backslash; remove the backslash, or indent this line',
    ])
    assert.deepEqual(said('[a] \\\nx = 1'), [
      'rules.ini:1: [a] a section name must be alone on its line; put "\\" on a line of its own',
    ])
    assert.deepEqual(said('[a]\nx = 1, \\\n  y = 2, \\\nz=3\n'), [])
  })

  it('cuts a long line in a message, and sums up a file that is no ini at all', () => {
    const long = 'x'.repeat(10_000)
    for (const text of [long, `[${long}`, `[a]${long}`, `[a]\n${long}=1\n${long}=2`]) {
      assert.ok(parseIni('rules.ini', text).diagnostics.every(({ message }) => message.length < 250))
    }
    const lines = said('word\n'.repeat(100_000))
    assert.equal(lines.length, 21)
    assert.equal(lines.at(-1), 'rules.ini: 99980 more lines have no "="; is this the right file?')
  })

  it('takes time in proportion to a file of any form', () => {
    const tookMs = cpuMs(3000, () => {
      for (const line of ['k% = v\n', '[k%]\n', 'k% = \\\n', '  v%, \\\n']) {
        parseIni('rules.ini', Array.from({ length: 30_000 }, (_, i) => line.replace('%', String(i))).join(''))
      }
    })
    // looking back at each line would take 15 s
    assert.ok(tookMs < 3000, `${tookMs} ms`)
  })

  it('never throws, and has every line of any text in a section, an entry or a diagnostic', () => {
    fc.assert(
      fc.property(TEXT, text => {
        const { sections, diagnostics } = parseIni('rules.ini', text)
        const entries = sections.flatMap(section => section.entries)
        const isFound = (line: number) => diagnostics.some(diagnostic => diagnostic.line === line)
        const named = sections.filter(({ implied }) => implied === undefined)
        let [sectionCount, entryCount] = [0, 0]
        for (const { line, text: statement } of statements(text)) {
          const [key = '', ...rest] = statement.split('=')
          const entry = entries.find(one => one.line === line)
          if (statement.startsWith('[')) {
            sectionCount++
            const name = named.find(section => section.line === line)?.name
            assert.ok(name !== undefined && squeezed(statement).startsWith(squeezed(`[${name}`)), statement)
          } else if (entry && key.trim() !== '' && rest.length > 0) {
            entryCount++
            assert.equal(squeezed(`${entry.key}=${entry.value}`), squeezed(statement))
          } else assert.ok(isFound(line), `line ${line} is lost: ${statement}`)
        }
        assert.deepEqual([named.length, entries.length], [sectionCount, entryCount])
      }),
      { numRuns: 2000 },
    )
  })

  it("finds nothing wrong only where Haraka's reader sees the same sections and keys", () => {
    fc.assert(
      fc.property(TEXT, text => {
        const { sections, diagnostics } = parseIni('rules.ini', text)
        const keys = sections.flatMap(section => section.entries.map(({ key }) => key))
        // the names of conditions, outcomes and settings; any other is said to be unknown
        fc.pre(diagnostics.length === 0 && keys.every(key => /^[a-z]+$/.test(key)))
        fc.pre(sections.every(({ name }) => name !== '__proto__'))
        harakaReader.logger = assert.fail
        const { main, ...others } = harakaReader.parseIni('rules.ini', {}, text)
        const ours = Object.fromEntries(
          sections.map(({ name, entries }) => [name, entries.map(({ key }) => key).toSorted()]),
        )
        const theirs = Object.fromEntries(
          Object.entries({ ...others, main: main ?? {} }).map(([name, read]) => [
            name,
            Object.keys(read).toSorted(),
          ]),
        )
        assert.deepEqual({ main: [], ...ours }, theirs)
      }),
      { numRuns: 2000 },
    )
  })
})

/** Lines of what matters to a reader, and any bytes in the encodings that files have. */
const TEXT = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(
        fc.oneof(
          fc.constantFrom(
            '[a]',
            '[b]',
            ' [ c ] ',
            'x = 1',
            'y=2 ; z',
            '  z = "3',
            '; note',
            '# note',
            '',
            ' ',
          ),
          fc.constantFrom('x = 1, \\', 'y = \\ ', '\\', '  more, \\', '  last', 'z \\', '[a \\', '[b] \\'),
          fc
            .array(
              fc.constantFrom('[', ']', '=', ';', '#', '\\', '"', ' ', 'a', 'b', '__proto__', '\t', '\u00a0'),
              {
                maxLength: 6,
              },
            )
            .map(parts => parts.join('')),
          fc.string({ unit: 'binary' }),
        ),
        { maxLength: 12 },
      )
      .chain(lines => fc.constantFrom('\n', '\r\n', '\r').map(end => lines.join(end))),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.uint8Array({ maxLength: 60 }), fc.constantFrom('latin1' as const, 'utf8' as const))
      .map(([bytes, encoding]) => Buffer.from(bytes).toString(encoding)),
  },
)

/** The statement of each line, with the lines that continue it: slow and plain. */
function statements(text: string): { line: number; text: string }[] {
  const made: { line: number; text: string; isOpen: boolean }[] = []
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const bare = raw.trim()
    if (bare.startsWith(';') || bare.startsWith('#')) continue
    const last = made.at(-1)
    const isOpen = /\\[ \t]*$/.test(raw) && !bare.startsWith('[')
    const said = isOpen ? bare.slice(0, -1) : bare
    if (last?.isOpen && bare !== '' && !bare.startsWith('[')) {
      last.text += said
      last.isOpen = isOpen
    } else made.push({ line: index + 1, text: said, isOpen })
  }
  return made.map(one => ({ line: one.line, text: one.text.trim() })).filter(one => one.text !== '')
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, '')
}
