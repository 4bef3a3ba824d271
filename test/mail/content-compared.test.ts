// The reading of content beside mailparser's, over mails as mail programs write them. They differ on purpose in this: what is
// attached without a name has no type of its own in mailparser; attached mails are opened; white space and characters that
// nobody sees are left out; a text of another type than plain or HTML is a text, too.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { simpleParser } from 'mailparser'
import { readContent } from '../../src/mail/content'

const LIMIT = 1_000_000
const CRLF = '\r\n'

type Charset = 'utf-8' | 'iso-8859-1' | 'utf-16le'
type Coding = '8bit' | 'base64' | 'quoted-printable'

const word = fc.stringMatching(/^[a-zäöüß=.,-]{1,12}$/)
const line = fc.array(word, { minLength: 1, maxLength: 12 }).map(words => words.join(' '))
const text = fc.array(line, { minLength: 1, maxLength: 8 }).map(lines => `x ${lines.join(CRLF)} x`)

interface Leaf {
  fields: string[]
  body: string
}

const textPart = fc
  .record({
    text,
    charset: fc.constantFrom<Charset>('utf-8', 'iso-8859-1', 'utf-16le'),
    coding: fc.constantFrom<Coding>('8bit', 'base64', 'quoted-printable'),
  })
  .map(({ text: said, charset, coding }): Leaf => {
    const bytes = Buffer.from(
      said,
      charset === 'utf-8' ? 'utf8' : charset === 'utf-16le' ? 'utf16le' : 'latin1',
    )
    // a text of two bytes a character can't stand as it is
    const used = charset === 'utf-16le' ? 'base64' : coding
    return {
      fields: [`Content-Type: text/plain; charset=${charset}`, `Content-Transfer-Encoding: ${used}`],
      body: coded(bytes, used),
    }
  })

const file = fc
  .record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 500 }),
    name: fc.stringMatching(/^[a-z][a-z ]{0,12}[a-z]\.(?:pdf|exe|png)$/),
    coding: fc.constantFrom<Coding>('base64', 'quoted-printable'),
  })
  .map(
    ({ bytes, name, coding }): Leaf => ({
      fields: [
        `Content-Type: application/x-test; name="${name}"`,
        `Content-Disposition: attachment; filename="${name}"`,
        `Content-Transfer-Encoding: ${coding}`,
      ],
      body: coded(Buffer.from(bytes), coding),
    }),
  )

const { tree } = fc.letrec<{ tree: Leaf }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    textPart,
    file,
    fc
      .record({ id: fc.uuid(), parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }) })
      .map(({ id, parts }) => multipart(id, parts)),
  ),
}))

function multipart(boundary: string, parts: readonly Leaf[]): Leaf {
  const lines = parts.flatMap(({ fields, body }) => [`--${boundary}`, ...fields, '', body])
  return {
    fields: [`Content-Type: multipart/mixed; boundary="${boundary}"`],
    body: ['This is a mail of several parts.', ...lines, `--${boundary}--`, ''].join(CRLF),
  }
}

function coded(bytes: Buffer, coding: Coding): string {
  if (coding === '8bit') return bytes.toString('latin1')
  if (coding === 'base64') return bytes.toString('base64').replace(/.{76}/g, `$&${CRLF}`)
  return Array.from(bytes, byte => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('')
    .replace(/(?:=..){24}(?=.)/g, `$&=${CRLF}`)
}

describe('the content of a mail as programs write it', () => {
  it('is the same by our reader and by mailparser', async () => {
    await fc.assert(
      fc.asyncProperty(tree, async ({ fields, body }) => {
        const raw = Buffer.from(['Subject: x', 'MIME-Version: 1.0', ...fields, '', body].join(CRLF), 'latin1')
        const wanted = await simpleParser(raw, {
          skipTextToHtml: true,
          skipHtmlToText: true,
          checksumAlgo: false,
        })
        const { texts, attachments } = readContent(raw, LIMIT)
        assert.equal(words(texts.join('\n')), words(wanted.text ?? ''))
        assert.deepEqual(
          attachments.map(({ names, types, sizeBytes }) => [names[0], types[0], sizeBytes]),
          wanted.attachments.map(({ filename, contentType, size }) => [filename, contentType, size]),
        )
      }),
      { numRuns: 300 },
    )
  })
})

function words(said: string): string {
  return said
    .split(/\s+/)
    .filter(one => one !== '')
    .join(' ')
}
