// Bodies of mails by kind, each with its own words: text, text and HTML, HTML alone, an attachment. Pure.

import { pseudoRandom, sentence, text, word } from './text'

export interface Mime {
  fields: Readonly<Record<string, string>>
  body: string
}

const BOUNDARY = '=_part'
const KB = 1024

export function plainText(seed: number): Mime {
  return { fields: { 'Content-Type': 'text/plain; charset=utf-8' }, body: text(5 * KB, seed) }
}

/** 100 KB when encoded. */
export function textAndHtml(seed: number): Mime {
  return multipart('alternative', [textPart('plain', text(30 * KB, seed)), htmlPart(60 * KB, seed)])
}

export function htmlAlone(seed: number): Mime {
  return headAndBody(htmlPart(90 * KB, seed))
}

export function withAttachment(seed: number): Mime {
  const pick = pseudoRandom(seed)
  const bytes = Buffer.alloc(1450 * KB)
  for (let at = 0; at < bytes.length; at++) bytes[at] = pick(256)
  const fields = [
    'Content-Type: application/pdf',
    'Content-Transfer-Encoding: base64',
    `Content-Disposition: attachment; filename="${word(pick)} ${pick(1000)}.pdf"`,
  ]
  const lines = bytes.toString('base64').replace(/.{76}/g, '$&\n')
  return multipart('mixed', [textPart('plain', text(5 * KB, seed)), [...fields, '', lines]])
}

/** The lines of a part: fields, an empty line, the rest. */
type Part = readonly string[]

function multipart(kind: string, parts: readonly Part[]): Mime {
  const all = parts.map(part => [`--${BOUNDARY}`, ...part].join('\n'))
  return {
    fields: { 'Content-Type': `multipart/${kind}; boundary="${BOUNDARY}"` },
    body: [...all, `--${BOUNDARY}--`].join('\n'),
  }
}

function headAndBody(part: Part): Mime {
  const end = part.indexOf('')
  const fields = part.slice(0, end).map(line => line.split(': ', 2))
  return {
    fields: Object.fromEntries(fields) as Record<string, string>,
    body: part.slice(end + 1).join('\n'),
  }
}

function textPart(kind: 'plain' | 'html', content: string): Part {
  return [
    `Content-Type: text/${kind}; charset=utf-8`,
    'Content-Transfer-Encoding: quoted-printable',
    '',
    quotedPrintable(content),
  ]
}

/** A newsletter: a style sheet, and tables of paragraphs with links. */
function htmlPart(characters: number, seed: number): Part {
  const pick = pseudoRandom(seed)
  let rows = ''
  while (rows.length < characters) {
    const link = `https://news.example/${word(pick)}/${pick(100_000)}?from=mail&amp;to=${pick(1000)}`
    rows += `<tr><td class="c${pick(20)}" style="padding:8px;color:#333"><p>${sentence(pick)}<b>${sentence(pick)}</b><br>${sentence(pick)}</p><a href="${link}">${word(pick)}&nbsp;&raquo;</a></td></tr>\n`
  }
  const style = '<style>td { font: 14px sans-serif } .c1 { color: #900 }</style>'
  return textPart('html', `<html><head>${style}</head><body><table>\n${rows}</table></body></html>`)
}

/** RFC 2045 section 6.7. */
function quotedPrintable(content: string): string {
  return content
    .replace(/=/g, '=3D')
    .replace(/[^\n -~]+/g, characters =>
      Array.from(
        Buffer.from(characters),
        byte => `=${byte.toString(16).toUpperCase().padStart(2, '0')}`,
      ).join(''),
    )
    .replace(/(?:=[0-9A-F]{2}|[^\n=]){72}(?=.)/g, '$&=\n')
}
