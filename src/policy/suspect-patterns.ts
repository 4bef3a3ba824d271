// Finds patterns that can be read but probably don't mean what their author thinks: they hold never, or always.
// Texts of warnings; undefined: nothing is suspect. Never throws.

import type { Item } from '../config/items'
import { asciiDomain } from '../mail/address'
import type { AsciiDomain } from '../units'
import { AddressPatterns } from './address-patterns'
import type { Field } from './fields'
import { isGlob } from './glob'
import { loadRe2js } from './regex-pass'
import { exactMeasure, numberSuspicion } from './suspect-numbers'
import { TextPatterns } from './text-patterns'

/** Fields whose patterns name addresses at domains of ours. A sender's look-alike domain is what a rule may be about. */
const OF_OURS: readonly string[] = ['recipient', 'envelope.recipient', 'to', 'cc']
const NAMES: readonly string[] = ['attachment.name', 'attachment.archive']
/** A text that nobody writes a pattern for. */
const UNLIKELY = '\u{f1234}\u{f4321}'

/** `domains`: those of ours that are named. `isOurs`: whether SES receives for a domain. */
export interface OwnDomainNames {
  domains: readonly string[]
  isOurs: (domain: AsciiDomain) => boolean
}

export function suspicionOf(field: Field, item: Item, ours: OwnDomainNames): string | undefined {
  const { form, text } = item
  if (text.startsWith('file:') && form === 'plain') return undefined
  if (form === 'regex') return regexSuspicion(field, item)
  switch (field.kind) {
    case 'size':
    case 'duration':
      return exactMeasure(field, text) ?? numberSuspicion(field, text)
    case 'number':
      return numberSuspicion(field, text)
    case 'address':
      return OF_OURS.includes(field.name) ? domainSuspicion(text, ours) : undefined
    case 'ip':
      return text.endsWith('/0') ? `"${text}" holds for any address of its family` : undefined
    case 'text':
      return textSuspicion(field, item)
    default:
      return undefined
  }
}

function textSuspicion({ name, phase }: Field, { form, text }: Item): string | undefined {
  const isWhole = form === 'quoted' || !isGlob(text)
  if (form === 'quoted' && /^\*|\*$/.test(text))
    return `"${text}" in quotes stands for itself, with its *; without quotes write \\, for a comma`
  if (name === 'body') return bodySuspicion(text, isWhole)
  if (NAMES.includes(name)) return nameSuspicion(text, isWhole)
  if (name === 'attachment.type' && !isMediaType(text, isWhole))
    return `"${text}" isn't a media type, as application/pdf is; for names of files there is attachment.name`
  if (name === 'region' && isWhole && !/^[a-z]{2}(?:-[a-z]+)+-\d$/i.test(text))
    return `"${text}" isn't a region, as eu-west-1 is`
  return phase === 'header' ? encodedSuspicion(text) : undefined
}

function bodySuspicion(text: string, isWhole: boolean): string | undefined {
  if (isWhole) return `"${text}" would have to be all of the text; write *${text}* to find it anywhere`
  const stars = text.replace(/^\*|\*$/g, '')
  if (!isGlob(stars) && text !== '*' && text !== `*${stars}*`) {
    const place = text.startsWith('*') ? 'end' : 'beginning'
    return `"${text}" finds it only at the ${place} of the text; write *${stars}* to find it anywhere`
  }
  return tagSuspicion(text)
}

/** Windows drops blanks and dots at the end of a name, and folders aren't files. */
function nameSuspicion(text: string, isWhole: boolean): string | undefined {
  if (isWhole && /^\.?[a-z0-9]{1,5}$/i.test(text))
    return `"${text}" would have to be the whole name of a file; write *.${text.replace('.', '')}`
  return /[\s./]$/.test(text)
    ? `"${text}" never holds: names have no blank, dot or slash at their end`
    : undefined
}

function isMediaType(text: string, isWhole: boolean): boolean {
  if (/[;\s]/.test(text)) return false
  return text.includes('/') || (!isWhole && !/^\*\.[a-z0-9]{1,5}$/i.test(text))
}

/** Values of fields are decoded. */
function encodedSuspicion(text: string): string | undefined {
  return /=\\?\?[\w-]+(?:\\?\?[bq]|\*|\\?\?\*)/i.test(text)
    ? `"${text}" may never hold: encoded words are decoded; write the text that a reader sees`
    : undefined
}

/** The same for the lists that a condition names. */
export function suspicionOfLists({ name }: Field, lists: readonly unknown[], ours: OwnDomainNames) {
  if (name === 'body' && lists.some(list => list instanceof TextPatterns && list.hasPlain))
    return 'a list of body has patterns that would have to be all of the text; write *...* to find them anywhere'
  if (!OF_OURS.includes(name)) return undefined
  for (const list of lists) {
    if (!(list instanceof AddressPatterns)) continue
    const suspicion = suspicionOfAddresses(list, ours)
    if (suspicion !== undefined) return suspicion
  }
  return undefined
}

/** Many rules may name one list of 100,000 addresses: it is looked at once for each configuration. */
const seen = new WeakMap<OwnDomainNames, Map<AddressPatterns, string | undefined>>()

function suspicionOfAddresses(list: AddressPatterns, ours: OwnDomainNames): string | undefined {
  const known = seen.get(ours) ?? new Map<AddressPatterns, string | undefined>()
  seen.set(ours, known)
  if (!known.has(list)) known.set(list, firstSuspicion(list, ours))
  return known.get(list)
}

function firstSuspicion(list: AddressPatterns, ours: OwnDomainNames): string | undefined {
  const domains = new Set<string>()
  const { keys = [], hosts = [] } = list.lookups() || {}
  for (const key of keys) domains.add(key.slice(key.lastIndexOf('@')))
  for (const host of hosts) domains.add(`@${host}`)
  for (const domain of domains) {
    const suspicion = domainSuspicion(domain, ours)
    if (suspicion !== undefined) return suspicion
  }
  return undefined
}

function domainSuspicion(text: string, { domains, isOurs }: OwnDomainNames): string | undefined {
  const domain = asciiDomain(text.slice(text.lastIndexOf('@') + 1).replace(/^\./, ''))
  if (domain === undefined || !text.includes('@') || isOurs(domain)) return undefined
  const meant = domains.find(own => areOneApart(domain, own))
  return meant === undefined ? undefined : `"${domain}" isn't a domain of yours; did you mean "${meant}"?`
}

function regexSuspicion({ name, phase, kind }: Field, { text, flags }: Item): string | undefined {
  if (kind !== 'text' && kind !== 'address' && kind !== 'result') return undefined
  const bare = text
    .replace(/\\Q[\s\S]*?(?:\\E|$)/g, 'q')
    .replace(/\\[\s\S]/g, 'e')
    .replace(/\[\^?\]?[^\]]*\]/g, 'c')
  if (matchesAll(text)) return `/${text}/ holds for any value; to say so, write *`
  const hasLines = /\(\?[a-z]*m/.test(text)
  // a character before the beginning, or behind the end
  if (!hasLines && (/[\w.)][^|(){}*?+^]*\^/.test(bare) || /\$(?![)|]|$)/.test(bare)))
    return `/${text}/ may never hold: ^ is the beginning of the value and $ its end; with (?m) they are those of a line`
  if (kind === 'address' && flags !== 'c' && /\s/.test(text) && !/\(\?[a-z]*x/.test(text))
    return `/${text}/ may never hold: an address has no blanks`
  if (phase === 'header' && kind === 'text') return encodedSuspicion(text)
  return phase === 'content' && kind === 'text' ? contentSuspicion(name, text) : undefined
}

/** Content has no invisible characters, and its lines end with \n alone. */
function contentSuspicion(name: string, text: string): string | undefined {
  if (/(?<!\\)(?:\\\\)*\\r(?!\?)/.test(text.replace(/\[[^\]]*\]/g, '')))
    return `/${text}/ may never hold: lines end with \\n alone, without \\r`
  if (/\\x\{?0*(?:200[b-f]|202[a-e]|206[0-9]|feff|ad)\}?/i.test(text))
    return `/${text}/ may never hold: invisible characters are left out of texts and names`
  return name === 'body' ? tagSuspicion(text) : undefined
}

function tagSuspicion(text: string): string | undefined {
  return /<\/?(?:a|b|body|div|font|form|html|iframe|img|p|script|span|style|table)\b/i.test(text) ||
    /\bhref\s*=/i.test(text)
    ? `"${text}" may never hold: body is the text of HTML, without its tags; the target of a link is in [] behind its text`
    : undefined
}

function matchesAll(source: string): boolean {
  const { RE2JS } = loadRe2js()
  try {
    const expression = RE2JS.compile(source, RE2JS.DOTALL | RE2JS.CASE_INSENSITIVE)
    return expression.matcher('').find() && expression.matcher(UNLIKELY).find()
  } catch {
    // its fault is reported where it is compiled
    return false
  }
}

/** One letter is changed, added, left out, or changes places with the next. */
function areOneApart(a: string, b: string): boolean {
  if (a === b || Math.abs(a.length - b.length) > 1) return false
  let at = 0
  while (at < a.length && a[at] === b[at]) at++
  const [restA, restB] = [a.slice(at), b.slice(at)]
  return (
    restA.slice(1) === restB ||
    restA === restB.slice(1) ||
    restA.slice(1) === restB.slice(1) ||
    (restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2))
  )
}
