import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { ERRORS, errorMessage, isLasting, QueueError } from '../src/errors'

const root = path.join(__dirname, '..')

describe('the errors of the product', () => {
  it('are explained where they say, and what is explained there can happen', () => {
    const rows = Object.values(ERRORS).flatMap(row => ('explained' in row ? [row.explained] : []))
    const headings = readFileSync(path.join(root, 'docs/errors.md'), 'utf8').matchAll(/^## (.+)$/gm)
    // GitHub's anchors: lower case, blanks as dashes, no punctuation
    const anchors = [...headings].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\s-]/g, '')
        .replaceAll(' ', '-'),
    )
    assert.deepEqual(rows.toSorted(), anchors.map(anchor => `docs/errors.md#${anchor}`).toSorted())
  })

  it('lead to their explanation where somebody has to act on the queue, and only there', () => {
    assert.match(new QueueError('QUEUE_NEWER', 'what').message, /^what; see docs\/errors\.md#queue-newer$/)
    assert.equal(new QueueError('QUEUE_BUSY', 'what').message, 'what')
  })

  it('are lasting when time alone does not end them', () => {
    for (const code of ['QUEUE_UNREADABLE', 'QUEUE_NEWER', 'QUEUE_OLDER', 'QUEUE_NETWORK_FS'] as const) {
      assert.equal(isLasting(new QueueError(code, 'x')), true, code)
    }
    for (const code of ['QUEUE_BUSY', 'QUEUE_FULL', 'QUEUE_UNWRITABLE', 'QUEUE_LOCK_LOST'] as const) {
      assert.equal(isLasting(new QueueError(code, 'x')), false, code)
    }
  })

  it('are put in words by errorMessage alone, and ordinary failures are a Result', () => {
    assert.equal(errorMessage(new QueueError('QUEUE_BUSY', 'what')), 'what')
    assert.equal(errorMessage(new TypeError('x is undefined')), 'TypeError: x is undefined')
    assert.equal(errorMessage('text'), 'text')
    const own =
      /String\(error\)|error\.message : |\| \{ (?:fault|why|wrong|errors|faults|refused|details): [\w[\]]+ \}/
    for (const file of readdirSync(path.join(root, 'src'), { recursive: true, encoding: 'utf8' })) {
      if (!file.endsWith('.ts') || file === 'errors.ts') continue
      const [found] = own.exec(readFileSync(path.join(root, 'src', file), 'utf8')) ?? []
      assert.equal(found, undefined, `src/${file} has ${found}`)
    }
  })
})
