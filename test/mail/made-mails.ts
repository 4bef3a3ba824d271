// Mails as mail programs write them, for property tests: trees of texts, HTML and files in usual charsets, encodings and
// spellings of names.

import fc from 'fast-check'
import iconv from 'iconv-lite'

const CRLF = '\r\n'

export interface Leaf {
  fields: string[]
  /** Bytes as Latin-1. */
  body: string
}

type Coding = '8bit' | 'base64' | 'quoted-printable'

/** Charsets with letters that they have. */
const CHARSETS: Readonly<Record<string, string>> = {
  'utf-8': 'aeäöß€я日한😀',
  'us-ascii': 'aeiou',
  'iso-8859-1': 'aeäöüß',
  'windows-1252': 'aeé€',
  'windows-1251': 'aяжд',
  'koi8-r': 'aяжд',
  'iso-8859-7': 'aλμ',
  shift_jis: 'a日本',
  'euc-kr': 'a한국',
  gb18030: 'a中国',
  big5: 'a中國',
}
/** Charsets of two bytes a character can't stand as they are. */
const WIDE: Readonly<Record<string, string>> = { 'utf-16le': 'aя日', 'utf-16be': 'aя日' }

const charset = fc.constantFrom(...Object.keys({ ...CHARSETS, ...WIDE }))
const coding = fc.constantFrom<Coding>('8bit', 'base64', 'quoted-printable')

const linesOf = (letters: string) => {
  const word = fc
    .array(fc.constantFrom(...Array.from(`${letters}xyz.,=-`)), { minLength: 1, maxLength: 12 })
    .map(all => all.join(''))
  const line = fc.array(word, { minLength: 1, maxLength: 12 }).map(words => words.join(' '))
  // a mark at both ends, so that no sign of another kind is the first or the last
  return fc.array(line, { minLength: 1, maxLength: 8 }).map(lines => `x ${lines.join(CRLF)} x`)
}

const written = charset.chain(name =>
  fc.record({ name: fc.constant(name), text: linesOf(CHARSETS[name] ?? WIDE[name] ?? ''), coding }),
)

const plain = fc
  .record({ written, format: fc.constantFrom('', '; format=flowed', '; format=flowed; delsp=yes') })
  .map(({ written: { name, text, coding: used }, format }) => textLeaf('plain', name, format, text, used))

const html = written.map(({ name, text, coding: used }) => {
  const marked = text.replaceAll(' ', ' <b>').replaceAll(CRLF, `&amp;</b><br>${CRLF}`)
  return textLeaf('html', name, '', `<div>${marked}</div>`, used)
})

function textLeaf(kind: string, name: string, format: string, text: string, used: Coding): Leaf {
  const bytes = iconv.encode(text, name, { addBOM: false })
  const safe = name in WIDE ? 'base64' : used
  return {
    fields: [`Content-Type: text/${kind}; charset=${name}${format}`, `Content-Transfer-Encoding: ${safe}`],
    body: coded(bytes, safe),
  }
}

/** The ways to write a file name of any characters, in a parameter of that name. */
const SPELLINGS: Readonly<Record<string, (key: string, name: string) => string>> = {
  raw: (key, name) => `${key}="${Buffer.from(name).toString('latin1')}"`,
  extended: (key, name) => `${key}*=utf-8''${percent(name)}`,
  continued: (key, name) => {
    const [first = '', second = ''] = [name.slice(0, 2), name.slice(2)].map(percent)
    return `${key}*0*=utf-8''${first};${CRLF} ${key}*1*=${second}`
  },
  'base64 words': (key, name) => `${key}="=?utf-8?B?${Buffer.from(name).toString('base64')}?="`,
  'quoted words': (key, name) => `${key}="=?utf-8?Q?${percent(name).replaceAll('%', '=')}?="`,
}

const file = fc
  .record({
    bytes: fc.uint8Array({ minLength: 1, maxLength: 500 }),
    name: fc.stringMatching(/^[a-zäя日][a-zäя日]{3,12}\.(?:pdf|exe|png)$/),
    spelling: fc.constantFrom(...Object.keys(SPELLINGS)),
    place: fc.constantFrom('filename', 'name', 'both'),
    word: fc.constantFrom('attachment', 'inline', 'ATTACHMENT'),
    type: fc.constantFrom('application/x-test', 'image/png', 'Application/PDF', 'audio/basic'),
    coding: fc.constantFrom<Coding>('base64', 'quoted-printable'),
  })
  .map(({ bytes, name, spelling, place, word, type, coding: used }): Leaf => {
    const spell = (key: string) => `;${CRLF}\t${SPELLINGS[spelling]?.(key, name) ?? ''}`
    return {
      fields: [
        `Content-Type: ${type}${place === 'filename' ? '' : spell('name')}`,
        `Content-Disposition: ${word}${place === 'name' ? '' : spell('filename')}`,
        `Content-Transfer-Encoding: ${used}`,
      ],
      body: coded(Buffer.from(bytes), used),
    }
  })

/** A mail with a text, marked as an attachment: mail programs show it when it is opened. */
const forwarded = plain.map(
  ({ fields, body }): Leaf => ({
    fields: ['Content-Type: message/rfc822', 'Content-Disposition: attachment; filename=old.eml'],
    body: ['Subject: old', ...fields, '', body].join(CRLF),
  }),
)

const boundary = fc.stringMatching(/^[a-z0-9][a-z0-9'()+_,./:=? -]{8,40}[a-z0-9]$/)

const { tree } = fc.letrec<{ tree: Leaf }>(tie => ({
  tree: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    plain,
    html,
    file,
    forwarded,
    fc
      .record({
        boundary,
        kind: fc.constantFrom('mixed', 'related', 'alternative', 'signed'),
        around: fc.constantFrom('', 'This is a mail of several parts.'),
        parts: fc.array(tie('tree'), { minLength: 1, maxLength: 4 }),
      })
      .map(multipart),
  ),
}))

function multipart(made: { boundary: string; kind: string; around: string; parts: readonly Leaf[] }): Leaf {
  const lines = made.parts.flatMap(({ fields, body }) => [`--${made.boundary}`, ...fields, '', body])
  return {
    fields: [`Content-Type: multipart/${made.kind};${CRLF} boundary="${made.boundary}"`],
    body: [made.around, ...lines, `--${made.boundary}--`, made.around].join(CRLF),
  }
}

/** Whole mails, with CRLF or LF. */
export const mails = fc
  .record({ leaf: tree, isLf: fc.boolean() })
  .map(({ leaf: { fields, body }, isLf }): Buffer => {
    const text = ['Subject: x', 'MIME-Version: 1.0', ...fields, '', body].join(CRLF)
    return Buffer.from(isLf ? text.replaceAll(CRLF, '\n') : text, 'latin1')
  })

function percent(name: string): string {
  return Array.from(Buffer.from(name), byte => `%${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(
    '',
  )
}

function coded(bytes: Buffer, used: Coding): string {
  if (used === '8bit') return bytes.toString('latin1')
  if (used === 'base64') return bytes.toString('base64').replace(/.{76}/g, `$&${CRLF}`)
  return Array.from(bytes, byte => `=${byte.toString(16).padStart(2, '0').toUpperCase()}`)
    .join('')
    .replace(/(?:=..){24}(?=.)/g, `$&=${CRLF}`)
}
