// The reading of content beside mailparser's: the same for mails as mail programs write them, and otherwise on purpose only
// (reader-differences.ts).

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { readContent } from '../../src/mail/content'
import { htmlText } from '../../src/mail/html-text'
import { UnreadableError } from '../../src/mail/unreadable'
import { mails } from './made-mails'
import { DIFFERENCES, type Reading } from './reader-differences'

const LIMIT = 1_000_000
const ONLY_READ = { skipTextToHtml: true, skipHtmlToText: true, skipTextLinks: true, skipImageLinks: true }

/** Names, type and size of each attachment. */
async function byMailparser(raw: Buffer): Promise<Reading> {
  const { text = '', html, attachments } = await simpleParser(raw, ONLY_READ)
  return {
    text: words(text),
    html: words(htmlText(html || '', LIMIT).text),
    attachments: attachments.map(({ filename, contentType, size }) => [
      filename === undefined ? [] : [filename],
      contentType,
      size,
    ]),
  }
}

/** The counterpart of `byMailparser`: only the first type of each attachment. */
function byUs(raw: Buffer): Reading {
  const { texts, attachments } = readContent(raw, LIMIT)
  return {
    text: words(texts.join('\n')),
    attachments: attachments.map(({ names, types, sizeBytes }) => [[...names], types[0] ?? '', sizeBytes]),
  }
}

describe('the content of a mail as programs write it', () => {
  it('is the same by our reader and by mailparser', async () => {
    await fc.assert(
      fc.asyncProperty(mails, async raw => {
        const { text, html, attachments } = await byMailparser(raw)
        const ours = byUs(raw)
        assert.equal(ours.text, words(`${text} ${html}`))
        assert.deepEqual(ours.attachments, attachments)
      }),
      { numRuns: 400 },
    )
  })
})

describe('where our reader differs from mailparser', () => {
  const documented = readFileSync(path.join(__dirname, '../../docs/flow.md'), 'utf8').replace(/\s+/g, ' ')

  for (const { what, mail, ours, theirs } of DIFFERENCES) {
    it(`is on purpose: ${what}`, async () => {
      const raw = Buffer.from(mail.join('\r\n'), 'latin1')
      const { html, ...read } = await byMailparser(raw)
      assert.deepEqual({ ...read, ...(html !== '' && { html }) }, theirs)
      if ('unreadable' in ours) assert.throws(() => byUs(raw), new UnreadableError(ours.unreadable))
      else assert.deepEqual(byUs(raw), ours)
      assert.notDeepEqual(ours, theirs)
      assert.ok(documented.includes(what), `docs/flow.md doesn't say: ${what}`)
    })
  }
})

function words(said: string): string {
  return said
    .split(/\s+/)
    .filter(one => one !== '')
    .join(' ')
}
