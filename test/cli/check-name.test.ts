import assert from 'node:assert/strict'
import fc from 'fast-check'
import { check } from '../../src/cli/check'
import { ENTRIES } from '../../src/reference/entries'
import { findEntries } from '../../src/reference/find'

async function explained(name: string, ...more: string[]) {
  const lines: string[] = []
  const errors: string[] = []
  const out = {
    line: (text: string) => void lines.push(text),
    error: (text: string) => void errors.push(text),
  }
  const code = await check(['--explain', name, ...more], out, {})
  return { code, lines: lines.flatMap(text => text.split('\n')), errors }
}

/** The found entries, as topic and name. */
const found = (asked: string) => findEntries(asked).map(({ topic, name }) => `${topic} ${name}`)

describe('ses-bounce check --explain', () => {
  it('shows the entry of a setting, however it is written', async () => {
    const { code, lines, errors } = await explained('limit.interval')
    assert.deepEqual([code, errors], [0, []])
    assert.equal(lines[0], '[limit] interval: a setting in config/ses-bounce.ini')
    assert(lines.includes('  default    1000ms'), lines.join('\n'))
    for (const name of ['interval', '[limit] interval', '[LIMIT]interval', ' Interval ']) {
      assert.deepEqual((await explained(name)).lines, lines)
    }
  })

  it('shows conditions, with a name of their own or of a family, and turned round', () => {
    assert.deepEqual(found('attachment.name'), ['condition attachment.name'])
    assert.deepEqual(found('header.Subject'), ['condition header.NAME'])
    assert.deepEqual(found('result.rspamd.score'), ['condition result.PLUGIN.PATH'])
    assert.deepEqual(found('not.recipient'), ['condition recipient'])
    assert.deepEqual(found('not.header.X-Loop'), ['condition header.NAME'])
  })

  it('shows outcome keys, patterns, template names, guards and reasons', () => {
    assert.deepEqual(found('bounce.type'), ['outcome key bounce.type'])
    assert.deepEqual(found('glob'), ['pattern * and ?'])
    assert.deepEqual(found('file:'), ['pattern file:NAME'])
    assert.deepEqual(found('{ses-id}'), ['template name {ses-id}'])
    assert.deepEqual(found('NOTIFY=NEVER'), ['guard NOTIFY=NEVER'])
    assert.deepEqual(found('because=mismatch'), ['fallback reason mismatch'])
  })

  it('shows the guard for what a reply or the log said', () => {
    assert.deepEqual(found('automatic reply'), ['guard replied'])
    assert.deepEqual(found('not bounced: sender not authenticated'), ['guard authentication'])
  })

  it('shows all that a name can mean', () => {
    assert.deepEqual(found('list_mail'), [
      'setting [guard] list_mail',
      'outcome key guard.list_mail',
      'guard list_mail',
    ])
    assert.deepEqual(found('expired'), ['setting [fallback] expired', 'fallback reason expired'])
    assert.deepEqual(found('size'), ['condition size', 'kind of condition size', 'template name {size}'])
  })

  it('shows a whole section', () => {
    assert.deepEqual(found('[window]'), ['setting [window] length', 'setting [window] margin'])
    assert.deepEqual(found('guard.NAME').length, 8)
  })

  it('gives one object to programs', async () => {
    const { code, lines } = await explained('bounce.status', '--json')
    assert.equal(code, 0)
    assert.deepEqual(JSON.parse(lines.join('\n')), {
      entries: [
        {
          topic: 'outcome key',
          name: 'bounce.status',
          meaning: "status of the bounce, for the sender's mail server",
          values: 'an enhanced status of class 4 or 5 (RFC 3463): 5.7.1',
          default: 'the one of the type',
          actions: ['bounce'],
          example: 'bounce.status = 5.7.1',
          page: 'docs/reference.md#outcome-keys',
        },
      ],
    })
  })

  it('ends with 2 for an unknown name, and suggests a similar one', async () => {
    const unknown = await explained('attachement.name')
    assert.deepEqual(unknown, {
      code: 2,
      lines: [],
      errors: ['ses-bounce check: unknown name "attachement.name"; did you mean "attachment.name"?'],
    })
    assert.deepEqual((await explained('')).code, 2)
    assert.deepEqual((await explained('not.action')).errors, [
      'ses-bounce check: only conditions can be negated, not "action"',
    ])
    assert.match((await explained('\u001b[2J', '--json')).errors[0] ?? '', /"\\u001b\[2J"/)
  })

  it('finds every entry by all of its names', () => {
    for (const entry of ENTRIES) {
      for (const name of entry.names) assert(findEntries(name).includes(entry), `${entry.name}: ${name}`)
    }
  })

  it('accepts any text as a name', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async name => {
        const { code, lines, errors } = await explained(name)
        assert.equal(code === 0, errors.length === 0)
        assert.equal(code === 2, lines.length === 0)
      }),
    )
  })
})
