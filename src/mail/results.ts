// Received-SPF and Authentication-Results as SES writes them: which domains are proved.
// Much in them is the sender's (domains, HELO, envelope-from): what could be read in two ways proves nothing.

import { asciiDomain, domainOf } from './address'
import type { SesAuthentication } from './facts'

export interface SpfResult {
  /** `pass`, `fail`, `none`, ..., in lower case. */
  word: string
  /** As written, '' for none. */
  envelopeFrom: string
}

export interface AuthenticationResults {
  /** Undefined: no SPF result in it. */
  spf?: SpfResult
  /** One for each signature, in order. */
  dkim: { word: string; domains: string[] }[]
  dmarc?: { word: string; domain?: string }
}

interface Property {
  key: string
  value: string
}

const WORD = /^[a-z_-]+$/
/** RFC 8601 section 2.5: this is what SES calls itself. */
const AUTHSERV_ID = 'amazonses.com'
/** RFC 5322 section 3.2.3, with what RFC 6531 section 3.3 adds. */
const DOT_ATOM = /^[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+(?:\.[\w!#$%&'*+\-/=?^`{|}~\u0080-\uffff]+)*$/
const QUOTED_STRING = /^"[^"\\]*(?:\\.[^"\\]*)*"$/s

/** The value of SES's Received-SPF: `pass (comment) client-ip=...; envelope-from=...; helo=...;`. Undefined: unreadable. */
export function readReceivedSpf(value: string): SpfResult | undefined {
  const all = statements(value)
  const [first, ...properties] = all?.[0] ?? []
  if (all === undefined || first === undefined) return undefined
  return readSpf({ key: 'spf', value: first }, [properties, ...all.slice(1)])
}

/** The value of SES's Authentication-Results. Undefined: unreadable, or another server's. */
export function readAuthenticationResults(value: string): AuthenticationResults | undefined {
  const all = statements(value)
  if (all?.[0]?.length !== 1 || all[0][0] !== AUTHSERV_ID) return undefined
  const results: AuthenticationResults = { dkim: [] }
  const spfStatements: string[][] = []
  let spf: Property | undefined
  for (const statement of all.slice(1)) {
    const [first, ...rest] = statement.map(property)
    if (first === undefined) continue
    const word = first.value.toLowerCase()
    if (first.key === 'spf') {
      if (spf) return undefined
      spf = first
      spfStatements.push(statement.slice(1))
    } else if (first.key === 'dkim' || first.key === 'dmarc') {
      const domains = headerDomains(rest)
      if (!WORD.test(word) || domains === undefined) return undefined
      if (first.key === 'dkim') results.dkim.push({ word, domains })
      else if (results.dmarc || domains.length > 1) return undefined
      else results.dmarc = { word, ...(domains[0] !== undefined && { domain: domains[0] }) }
    } else spfStatements.push(statement)
  }
  if (spf === undefined) return spfStatements.length === 0 ? results : undefined
  const spfResult = readSpf(spf, spfStatements)
  return spfResult && { ...results, spf: spfResult }
}

/** Domains that SES's own results prove; undefined: missing, or not to be believed. */
export function provedDomains(
  spf: SpfResult | undefined,
  results: AuthenticationResults | undefined,
): SesAuthentication {
  const spfDomain = spf?.word === 'pass' ? domainOf(spf.envelopeFrom) : undefined
  const passed = results?.dkim.filter(({ word }) => word === 'pass') ?? []
  const dmarcDomain = results?.dmarc?.word === 'pass' ? results.dmarc.domain : undefined
  return {
    ...(spfDomain !== undefined && { spfDomain }),
    dkimDomains: [...new Set(passed.flatMap(({ domains }) => domains))],
    ...(dmarcDomain !== undefined && { dmarcDomain }),
  }
}

/** `statements`: what belongs to SPF, whose properties SES parts by semicolons; each may stand there once. */
function readSpf(first: Property, statements: string[][]): SpfResult | undefined {
  const word = first.value.toLowerCase()
  const properties = statements.flat().map(property)
  const keys = properties.map(({ key }) => key)
  if (!WORD.test(word) || new Set(keys).size < keys.length) return undefined
  // SES writes it directly behind its comment: elsewhere, something the sender chose closed that comment
  if (statements.slice(1).some(statement => statement.some(text => property(text).key === 'client-ip')))
    return undefined
  const envelopeFrom = properties.find(({ key }) => key === 'envelope-from')?.value ?? ''
  return envelopeFrom === '' || isPlainAddress(envelopeFrom) ? { word, envelopeFrom } : undefined
}

/** `header.i=@domain`, `header.i=user@domain`, `header.d=domain`, `header.from=domain`; undefined: something else. */
function headerDomains(properties: readonly Property[]): string[] | undefined {
  const domains: string[] = []
  for (const { key, value } of properties) {
    // a property of SPF here means that something the sender chose closed SPF's comment, and opened this result
    if (!key.startsWith('header.') && key !== 'reason') return undefined
    if (value === '' || !['header.i', 'header.d', 'header.from'].includes(key)) continue
    const isIdentity = key === 'header.i'
    if (isIdentity && !value.startsWith('@') && !isPlainAddress(value)) return undefined
    const domain = asciiDomain(isIdentity ? value.slice(value.lastIndexOf('@') + 1) : value)
    if (domain === undefined) return undefined
    domains.push(domain)
  }
  return domains
}

/** A dot-atom or one quoted string, and a domain: anything else could be read in several ways. */
function isPlainAddress(text: string): boolean {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  return (DOT_ATOM.test(local) || QUOTED_STRING.test(local)) && asciiDomain(text.slice(at + 1)) !== undefined
}

function property(text: string): Property {
  const equals = text.indexOf('=')
  if (equals < 0) return { key: text.toLowerCase(), value: '' }
  return { key: text.slice(0, equals).toLowerCase(), value: text.slice(equals + 1) }
}

/**
 * The words between semicolons, without comments (RFC 5322 section 3.2.2: they nest, and may hold anything).
 * A comment within a word stays in it, and makes it no address, no domain and no result. Undefined: a quote or a
 * parenthesis doesn't close.
 */
function statements(value: string): string[][] | undefined {
  const all: string[][] = [[]]
  let depth = 0
  let quoted = false
  let start = -1
  const endWord = (end: number) => {
    if (start >= 0) all.at(-1)?.push(value.slice(start, end))
    start = -1
  }
  for (let i = 0; i < value.length; i++) {
    const char = value[i]
    if (char === '\\' && (quoted || depth > 0)) i++
    else if (depth > 0) depth += char === '(' ? 1 : char === ')' ? -1 : 0
    else if (char === '"') {
      quoted = !quoted
      if (start < 0) start = i
    } else if (quoted) continue
    else if (char === '(') depth++
    else if (char === ')') return undefined
    else if (char === ';' || char === ' ' || char === '\t') {
      endWord(i)
      if (char === ';') all.push([])
    } else if (start < 0) start = i
  }
  endWord(value.length)
  return quoted || depth > 0 ? undefined : all
}
