// The preview of a mail for people who decide about it, whatever the mail is.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import { readPreview } from '../../src/mail/preview'

const OPTIONS = { limitCharacters: 1000, isBeginning: false }
const preview = (text: string, options = OPTIONS) => readPreview(Buffer.from(text, 'latin1'), options)

describe('the preview of a mail', () => {
  it('has some fields, decoded, the texts and the attachments', () => {
    const { header, texts, attachments, isCut } = preview(
      'Received: x\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n' +
        '--b\r\n\r\nplain\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>html</b>\r\n' +
        '--b\r\nContent-Type: application/pdf; name=a.pdf\r\n\r\nx\r\n--b--\r\n',
    )
    assert.deepEqual(header, [{ name: 'Subject', value: 'Grüße' }])
    assert.deepEqual(texts, ['plain', 'html'])
    assert.deepEqual(
      attachments.map(({ names, sizeBytes }) => [names, sizeBytes]),
      [[['a.pdf'], 1]],
    )
    assert.equal(isCut, false)
  })

  it('is bounded, whatever there is thousands of times, and says that there is more', () => {
    const many = preview(`${'Subject: x\r\n'.repeat(5000)}\r\n${'y'.repeat(5000)}`)
    assert.equal(many.header.length, 3)
    assert.deepEqual([many.texts[0]?.length, many.isCut], [1000, true])
    const parts = `Content-Type: multipart/mixed; boundary=b\r\n\r\n${'--b\r\nContent-Type: a/b\r\n\r\nx\r\n'.repeat(200)}--b--\r\n`
    const attached = preview(parts)
    assert.deepEqual([attached.attachments.length, attached.isCut], [50, true])
    const long = preview(`Subject: ${'x'.repeat(5000)}\r\n\r\n`)
    assert.equal(long.header[0]?.value.length, 1000)
  })

  it('has a reason in place of a text that can not be read', () => {
    const parts = '--b\r\n\r\nx\r\n'.repeat(20_000)
    const { header, texts, fault } = preview(
      `Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n${parts}--b--\r\n`,
    )
    assert.deepEqual([header.length, texts], [1, []])
    assert.match(fault ?? '', /^it has more than \d+ parts$/)
  })

  it('is of the header alone where no text is asked for', () => {
    const { header, texts } = preview('Subject: x\r\n\r\ntext', { limitCharacters: 0, isBeginning: true })
    assert.deepEqual([header.length, texts.length], [1, 0])
  })

  it('is made of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 2000 }), bytes => {
        const made = readPreview(bytes, OPTIONS)
        assert.ok(made.texts.every(text => text.length <= 1000))
      }),
      { examples: [[new Uint8Array()], [new Uint8Array([13, 10])], [Buffer.from('Subject')]] },
    )
  })
})
