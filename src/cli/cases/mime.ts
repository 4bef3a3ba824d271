// A mail's bytes: header fields as they are given, above a body of texts and attachments that nodemailer composes.
// A field can't break out of its line. Fields aren't given to nodemailer, which would repair and fold them.

import MailComposer from 'nodemailer/lib/mail-composer'

export interface Attachment {
  name: string
  type: string
  sizeBytes: number
}

export interface Parts {
  /** Header lines of the whole mail. They stand above the fields that describe its body. */
  head: readonly string[]
  /** The fields of the sender's own header. */
  fields: readonly (readonly [name: string, value: string])[]
  texts: { plain?: string; html?: string }
  attachments: readonly Attachment[]
}

export async function mailBytes({ head, fields, texts, attachments }: Parts): Promise<Buffer> {
  const composed = await new MailComposer({
    // an empty text is one, too, and nodemailer leaves an empty string out
    ...((texts.plain !== undefined || texts.html === undefined) && { text: Buffer.from(texts.plain ?? '') }),
    ...(texts.html !== undefined && { html: Buffer.from(texts.html) }),
    attachments: attachments.map(({ name, type, sizeBytes }) => ({
      filename: name,
      contentType: type,
      contentDisposition: 'attachment',
      content: Buffer.alloc(sizeBytes),
    })),
    textEncoding: 'base64',
    // the same case is the same mail each time
    baseBoundary: 'ses-bounce-test',
  })
    .compile()
    .build()
  const end = composed.indexOf('\r\n\r\n')
  const lines = [...head, ...fields.map(([name, value]) => `${name}: ${oneLine(value)}`)]
  const given = new Set(fields.map(([name]) => name.toLowerCase()))
  // without nodemailer's own Date and Message-ID, which change each time
  for (const field of composed.toString('latin1', 0, end).split(/\r\n(?![ \t])/)) {
    const [name = ''] = field.toLowerCase().split(':')
    if ((name.startsWith('content-') || name === 'mime-version') && !given.has(name)) lines.push(field)
  }
  return Buffer.concat([Buffer.from(lines.join('\r\n')), composed.subarray(end), Buffer.from('\r\n')])
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}
