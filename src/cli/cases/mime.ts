// A mail's bytes: header fields as they are given, and a MIME body of texts and attachments (RFC 2045, RFC 2046).
// Pure; a field can't break out of its line.

export interface Attachment {
  name: string
  type: string
  sizeBytes: number
}

export interface Parts {
  /** Of the whole mail, above those that say what its body is. */
  head: readonly string[]
  /** Of the sender's own header. */
  fields: readonly (readonly [name: string, value: string])[]
  texts: { plain?: string; html?: string }
  attachments: readonly Attachment[]
}

/** In no text that a case would have; nothing else depends on it. */
const BOUNDARY = '=_ses-bounce-test'
/** RFC 2045 section 6.8: characters in a line. */
const BASE64_LINE = 76

export function mailBytes({ head, fields, texts, attachments }: Parts): Buffer {
  const given = new Set(fields.map(([name]) => name.toLowerCase()))
  const { header, body } = bodyOf(texts, attachments)
  const own = [['MIME-Version', '1.0'] as const, ...header].filter(([name]) => !given.has(name.toLowerCase()))
  const lines = [
    ...head,
    ...[...fields, ...own].map(([name, value]) => `${name}: ${oneLine(value)}`),
    '',
    body,
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n`)
}

interface Part {
  header: (readonly [name: string, value: string])[]
  body: string
}

function bodyOf(texts: Parts['texts'], attachments: readonly Attachment[]): Part {
  const shown = [
    ...(texts.plain !== undefined || texts.html === undefined ? [textPart('plain', texts.plain ?? '')] : []),
    ...(texts.html === undefined ? [] : [textPart('html', texts.html)]),
  ]
  const text = together('alternative', shown)
  return attachments.length === 0 ? text : together('mixed', [text, ...attachments.map(attachmentPart)])
}

function together(kind: 'mixed' | 'alternative', parts: readonly Part[]): Part {
  const [first, ...more] = parts
  if (first !== undefined && more.length === 0 && kind === 'alternative') return first
  const boundary = `${BOUNDARY}-${kind}`
  const sections = parts.map(({ header, body }) =>
    [`--${boundary}`, ...header.map(([name, value]) => `${name}: ${value}`), '', body].join('\r\n'),
  )
  return {
    header: [['Content-Type', `multipart/${kind}; boundary="${boundary}"`]],
    body: [...sections, `--${boundary}--`].join('\r\n'),
  }
}

function textPart(subtype: 'plain' | 'html', text: string): Part {
  return {
    header: [
      ['Content-Type', `text/${subtype}; charset=utf-8`],
      ['Content-Transfer-Encoding', 'base64'],
    ],
    body: base64(Buffer.from(text)),
  }
}

function attachmentPart({ name, type, sizeBytes }: Attachment): Part {
  return {
    header: [
      ['Content-Type', type],
      ['Content-Transfer-Encoding', 'base64'],
      // RFC 2231 section 4
      [
        'Content-Disposition',
        `attachment; filename*=UTF-8''${encodeURIComponent(name).replace(/[!'()*]/g, percent)}`,
      ],
    ],
    body: base64(Buffer.alloc(sizeBytes)),
  }
}

function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(new RegExp(`.{${BASE64_LINE}}(?=.)`, 'g'), '$&\r\n')
}

function oneLine(text: string): string {
  return text.replace(/[\r\n]+/g, ' ')
}
