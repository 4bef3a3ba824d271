import assert from 'node:assert/strict'
import fc from 'fast-check'
import { type Content, readContent } from '../../src/mail/content'
import { UnreadableError } from '../../src/mail/unreadable'

const read = async (lines: readonly string[], limit = 10_000) =>
  readContent(Buffer.from(lines.join('\r\n'), 'latin1'), limit)

/** A multipart mail of parts, each with its header and body as lines. */
const parts = (...all: string[][]) => [
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary="b"',
  '',
  ...all.flatMap(part => ['--b', ...part]),
  '--b--',
  '',
]
const names = ({ attachments }: Content) => attachments.map(attachment => attachment.names)

describe('the content of a mail', () => {
  it('is its text, decoded from its encoding and charset', async () => {
    const encoded: [string[], string][] = [
      [['Subject: x', '', 'Hello', 'you'], 'Hello\nyou'],
      [
        [
          'Content-Type: text/plain; charset=iso-8859-1',
          'Content-Transfer-Encoding: quoted-printable',
          '',
          'Gr=FC=\r\n=DFe',
        ],
        'Grüße',
      ],
      [
        [
          'Content-Type: text/plain; charset=utf-8',
          'Content-Transfer-Encoding: base64',
          '',
          Buffer.from('€ 5').toString('base64'),
        ],
        '€ 5',
      ],
      [['Content-Type: text/plain; charset=utf-8; format=flowed', '', 'one ', 'line'], 'one line'],
      [['Content-Type: text/html', '', '<p>a<b>b</b></p>'], 'ab'],
    ]
    for (const [lines, text] of encoded) assert.deepEqual((await read(lines)).texts, [text])
  })

  it('has the text and the HTML of alternatives', async () => {
    const alternative = [
      'Content-Type: multipart/alternative; boundary=c',
      '',
      '--c',
      'Content-Type: text/plain',
      '',
      'plain',
      '--c',
      'Content-Type: text/html',
      '',
      '<i>rich</i>',
      '--c--',
    ]
    assert.deepEqual((await read(parts(alternative))).texts, ['plain', 'rich'])
  })

  it('names attachments by both headers, without what hides an ending', async () => {
    const content = await read(
      parts(
        [
          'Content-Type: application/pdf; name=a.pdf',
          'Content-Disposition: attachment; filename="b.exe . "',
          '',
          'x',
        ],
        [
          'Content-Type: application/octet-stream',
          "Content-Disposition: attachment; filename*=utf-8''gr%C3%BC%E2%80%AE.scr",
          '',
          'xyz',
        ],
        ['Content-Type: image/png', '', 'xx'],
      ),
    )
    assert.deepEqual(names(content), [['b.exe', 'a.pdf'], ['grü.scr'], []])
    assert.deepEqual(
      content.attachments.map(({ sizeBytes }) => sizeBytes),
      [1, 3, 2],
    )
    assert.deepEqual(content.attachments[2]?.types, ['image/png'])
    assert.deepEqual(content.texts, [])
  })

  it('has the type as declared and as the name has it', async () => {
    const part = [
      'Content-Type: application/octet-stream; name=x.pdf',
      'Content-Disposition: attachment',
      '',
      'x',
    ]
    assert.deepEqual((await read(parts(part))).attachments[0]?.types, [
      'application/octet-stream',
      'application/pdf',
    ])
  })

  it('counts a text part with a file name among the attachments too', async () => {
    const content = await read(parts(['Content-Type: text/plain; name=run.exe', '', 'MZ']))
    assert.deepEqual([names(content), content.texts], [[['run.exe']], ['MZ']])
  })

  it('has the attachments of attached mails, to a depth that people use', async () => {
    const inner = parts(['Content-Type: a/b; name=deep.js', '', 'x'])
    const attached = (lines: string[]) => parts(['Content-Type: message/rfc822', '', ...lines])
    assert.deepEqual(names(await read(attached(attached(inner)))), [[], [], ['deep.js']])
    let deep = inner
    for (let i = 0; i < 20; i++)
      deep = parts(
        ['Content-Type: message/rfc822', '', ...deep].map(line =>
          line.replaceAll('"b"', `"${i}b"`).replace(/^--b/, `--${i}b`),
        ),
      )
    assert.deepEqual(names(await read(deep)).at(-1), ['deep.js'])
    const [open, close] = [Array(70).fill('Content-Type: message/rfc822'), []]
    const deeper = open.flatMap(line => [line, '']).concat(close)
    await assert.rejects(read(deeper), new UnreadableError('its parts nest deeper than 64'))
  })

  it('is cut at the limit, text and HTML each, and says so', async () => {
    const both = parts(
      ['Content-Type: text/plain', '', 'x'.repeat(200)],
      ['Content-Type: text/html', '', `<p>${'y'.repeat(200)}`],
    )
    assert.deepEqual(await read(both, 100), {
      texts: ['x'.repeat(100), 'y'.repeat(100)],
      attachments: [],
      isCut: true,
    })
    assert.equal((await read(both, 1000)).isCut, false)
  })

  it('is refused where a mail has more parts than anybody sends', async () => {
    const many = Array.from({ length: 2000 }, () => ['Content-Type: a/b', '', 'x'])
    await assert.rejects(read(parts(...many)), new UnreadableError('it has more than 1000 parts'))
  })

  it('is read, or refused, of any bytes', async () => {
    const line = fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Type: text/html; charset=utf-16',
      'Content-Type: message/rfc822',
      'Content-Type: application/x; name==?utf-8?q?=00?=',
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
      'Content-Disposition: attachment; filename=a',
      "Content-Disposition: inline; filename*0*=x''%ff; filename*1=b",
      '',
      '--b',
      '--b--',
      'x',
      '=FF=',
      ' folded',
      'From me',
      '{"a":1}',
    )
    const lines = fc.array(
      fc.oneof({ weight: 4, arbitrary: line }, { weight: 1, arbitrary: fc.string({ unit: 'binary' }) }),
    )
    await fc.assert(
      fc.asyncProperty(lines, fc.nat(20), async (all, limit) => {
        const content = await read(all, limit).catch((error: unknown) => {
          assert(error instanceof UnreadableError)
          return undefined
        })
        for (const text of content?.texts ?? []) assert(text.length <= limit)
        for (const { names } of content?.attachments ?? [])
          assert(names.every(name => !/[\p{Cc}\p{Cf}]/u.test(name)))
      }),
      { numRuns: 500 },
    )
  })
})
