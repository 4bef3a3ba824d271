// The meaning of a part's fields. Where they contradict each other all values are kept, as mail programs differ.

import { isKnownCharset, isUtf7, namesNoCharset } from './charset'
import { decodeWords, percentBytes } from './encoded-words'
import { fileNames } from './file-names'
import { READINGS } from './limits'
import { type Parameter, type ParameterField, parseField } from './parameters'
import type { PartHeader } from './part-header'
import type { Reading, TextKind } from './part-text'
import { type Encoding, encodingsOf } from './transfer-encoding'

export interface PartFields {
  /** Media types in lower case. '': none that can be read. */
  types: readonly string[]
  /** The part names a type itself. */
  isTyped: boolean
  /** Boundaries of a multipart as bytes (RFC 2046 section 5.1.1). */
  boundaries: readonly Buffer[]
  names: readonly string[]
  encodings: readonly Encoding[]
  /** Content-Disposition is `inline` or missing, so a reader sees the part in the mail. */
  isInline: boolean
  /** Content-Disposition is something other than `inline`. */
  isAttached: boolean
  readings(kinds: readonly TextKind[]): Reading[]
}

/** RFC 2046 section 5.1.1 allows 70; RFC 5322 section 2.1.1 allows lines of 998. */
const BOUNDARY_CHARACTERS = 998

const ABSOLUTE = /^https?:\/\/[^/]/i

export function partFields({ fields }: PartHeader, defaultType: string): PartFields {
  const types = (fields.get('content-type') ?? []).map(readField)
  const dispositions = (fields.get('content-disposition') ?? []).map(readField)
  const encodings = distinct((fields.get('content-transfer-encoding') ?? ['']).flatMap(encodingsOf))
  const words = dispositions.map(({ value }) => value).filter(value => value !== '')
  return {
    types: types.length === 0 ? [defaultType] : distinct(types.map(({ value }) => value)),
    isTyped: types.some(({ value }) => value !== ''),
    boundaries: distinct(valuesOf(types, 'boundary').flatMap(boundaryForms)).map(one =>
      Buffer.from(one, 'latin1'),
    ),
    names: namesOf([...dispositions, ...types], fields),
    encodings,
    isInline: words.length === 0 || words.includes('inline'),
    isAttached: words.some(word => word !== 'inline'),
    readings: kinds => readings(kinds, { encodings, types, base: baseOf(fields) }),
  }
}

function namesOf(parameters: readonly ParameterField[], fields: PartHeader['fields']): string[] {
  const names = fileNames(parameters, unfolded(fields.get('content-name')))
  if (names.length > 0) return names
  // programs that find no name take one from other fields that describe the part
  const described = unfolded(fields.get('content-description'))
  const located = unfolded(fields.get('content-location')).map(text => text.replace(/[?#].*$/s, ''))
  return fileNames([], [...described, ...located].map(text => text.replace(/^.*\//s, '')).filter(isFileName))
}

function unfolded(values: readonly string[] = []): string[] {
  return values.map(value => value.replaceAll('\n', ''))
}

function isFileName(text: string): boolean {
  return text.includes('=?') || /[^.\s]\.[a-z0-9]{1,8}\s*$/i.test(text)
}

function readField(text: string): ParameterField {
  const field = parseField(text)
  return /^\s*=\?/.test(text) || field.value.includes('=?') ? parseField(decodeWords(text)) : field
}

/** The values of a plain, extended or continued parameter. A boundary or charset needs no decoding. */
function valuesOf(fields: readonly ParameterField[], name: string): string[] {
  return distinct(
    fields.flatMap(({ parameters }) => {
      const own = parameters.filter(one => one.name === name || one.name === `${name}*`)
      const pieces = parameters.filter(one => one.name.startsWith(`${name}*`) && one.name !== `${name}*`)
      const plain = own.flatMap(one => one.values.map(value => value.replace(/^[^']*'[^']*'(?=.)/, '')))
      const joined = inOrder(pieces, name)
        .map(({ values }) => (values[0] ?? '').replace(/^[^']*'[^']*'(?=.)/, ''))
        .join('')
      return [...plain, joined, ...own.flatMap(one => one.values)].filter(value => value !== '')
    }),
  )
}

/** Continuations by their numbers, RFC 2231 section 3. */
function inOrder(pieces: readonly Parameter[], name: string): Parameter[] {
  const numberOf = (piece: Parameter) => Number.parseInt(piece.name.slice(name.length + 1), 10) || 0
  return pieces.toSorted((a, b) => numberOf(a) - numberOf(b))
}

/** The value, and its forms in lenient programs: without single quotes, percent signs and encoded words decoded. */
function boundaryForms(value: string): string[] {
  const forms = [value, value.replace(/^'(.*)'$/s, '$1')]
  if (/%[0-9a-f]{2}/i.test(value)) forms.push(percentBytes(value, '%').toString('latin1'))
  if (value.includes('=?')) forms.push(Buffer.from(decodeWords(value)).toString('latin1'))
  return forms.map(form => form.trimEnd()).filter(form => form !== '' && form.length <= BOUNDARY_CHARACTERS)
}

/** RFC 2110 and RFC 2557: the address that relative links of HTML begin with. '': they name none. */
function baseOf(fields: PartHeader['fields']): string {
  const named = ['content-base', 'content-location'].flatMap(name => fields.get(name) ?? [])
  return named.map(value => value.replace(/[\s"<>]+/g, '')).find(value => ABSOLUTE.test(value)) ?? ''
}

interface Described {
  encodings: readonly Encoding[]
  types: readonly ParameterField[]
  base: string
}

function readings(kinds: readonly TextKind[], { encodings, types, base }: Described): Reading[] {
  const all = valuesOf(types, 'charset').map(value => (value.includes('=?') ? decodeWords(value) : value))
  // programs that don't know one of them take another
  const known = all.length > 1 ? all.filter(isKnownCharset) : all
  const named = known.length > 0 ? known : all
  // programs that don't know UTF-7 read it as ASCII
  const charsets = distinct([...(named.length === 0 ? [''] : named), ...(named.some(isUtf7) ? [''] : [])])
  const format = valuesOf(types, 'format').some(value => /^flowed$/i.test(value.trim()))
  const delSp = valuesOf(types, 'delsp').some(value => /^yes$/i.test(value.trim()))
  const each = kinds.flatMap(kind =>
    encodings.flatMap(encoding =>
      withoutPrefixes(charsets).map(charset => ({
        kind,
        encoding,
        charset,
        ...(base !== '' && kind === 'html' && { base }),
        ...(format && kind === 'plain' && { flowed: { delSp } }),
      })),
    ),
  )
  return each.slice(0, READINGS)
}

/** Distinct charsets. All labels that name no charset count as one. */
function withoutPrefixes(charsets: readonly string[]): string[] {
  return distinct(charsets.map(charset => (namesNoCharset(charset) ? '' : charset)))
}

function distinct<T>(values: readonly T[]): T[] {
  return [...new Set(values)]
}
