// Reads SES's verdicts, for rules and guards. They prove nothing. If SES's fields can't be told from the sender's, the
// worst word of any reading counts, and never `pass`.

import type { MailFacts, Receipt, SesVerdicts } from './facts'
import type { AuthenticationResults } from './results'
import { type ClosedBlock, isAuthenticationField, SPAM_FIELD, SPF_FIELD, VIRUS_FIELD } from './ses-block'
import type { Field } from './split-fields'

const NONE = 'none'
const PASS = 'pass'
const WORD = /^[a-z_-]+$/
/** SES developer guide (spam and virus verdicts), RFC 8601 section 2.7 (the others), worst first. */
const WORST_FIRST = [
  'fail',
  'softfail',
  'permerror',
  'temperror',
  'processing_failed',
  'gray',
  'policy',
  'neutral',
]
/** Matches whole words only: `failed` isn't `fail`. */
const WORDS = WORST_FIRST.map(word => ({ word, pattern: new RegExp(`(?<![a-z_-])${word}(?![a-z_-])`, 'i') }))
/** Matches results anywhere, in a comment or in quotes too. */
const RESULTS = { spf: resultPatterns('spf'), dkim: resultPatterns('dkim'), dmarc: resultPatterns('dmarc') }
const SES_RESULTS = /^\s*amazonses\.com\b/i

/** The verdicts of a mail in which SES wrote none. */
const NO_VERDICTS: SesVerdicts = { spam: NONE, virus: NONE, spf: NONE, dkim: NONE, dmarc: NONE }

/** The verdicts that rules and guards use, with or without a receipt. */
export function verdictsOf({
  receipt,
  verdictsWithoutReceipt,
}: Pick<MailFacts, 'verdictsWithoutReceipt'> & {
  receipt?: Pick<Receipt, 'verdicts'> | undefined
}): SesVerdicts {
  return receipt?.verdicts ?? verdictsWithoutReceipt ?? NO_VERDICTS
}

/** Verdicts from closed results that can be read. */
export function plainVerdicts(block: ClosedBlock, { spf, dkim, dmarc }: AuthenticationResults): SesVerdicts {
  return {
    spam: plainWord(block.spam),
    virus: plainWord(block.virus),
    spf: spf.word,
    dkim: dkim.some(({ word }) => word === PASS) ? PASS : (dkim[0]?.word ?? NONE),
    dmarc: dmarc?.word ?? NONE,
  }
}

/** `fields`: of the closed block, else all fields that SES may have written. */
export function worstVerdicts(fields: readonly Field[]): SesVerdicts {
  const values = (isWanted: (field: Field) => boolean) =>
    fields.filter(isWanted).flatMap(({ raw, joined }) => (joined === undefined ? [raw] : [raw, joined]))
  const named = (name: string) => values(field => field.name === name)
  const results = values(isAuthenticationField)
  const firstWords = named(SPF_FIELD).map(text => /[a-z_-]+/i.exec(text)?.[0] ?? '')
  return {
    spam: worst(named(SPAM_FIELD), WORDS),
    virus: worst(named(VIRUS_FIELD), WORDS),
    spf: worst([...results, ...firstWords.map(word => `spf=${word}`)], RESULTS.spf),
    dkim: worst(results, RESULTS.dkim),
    dmarc: worst(results, RESULTS.dmarc),
  }
}

/**
 * The fields that SES may have written in a header whose results aren't closed: fields with SES's names anywhere, and
 * results directly above or below its Received. `index`: of that field, if there is one.
 */
export function possibleSesFields(fields: readonly Field[], index?: number): Field[] {
  const below = index === undefined ? 0 : runLength(fields.slice(index + 1))
  const above = runLength(fields.slice(0, index).toReversed().filter(isNoReturnPath))
  return fields.filter((field, at) => {
    if (field.name === SPAM_FIELD || field.name === VIRUS_FIELD) return true
    if (isAuthenticationField(field) && SES_RESULTS.test(field.raw)) return true
    return index !== undefined && isResult(field) && at >= index - above - 1 && at <= index + below
  })
}

function runLength(fields: readonly Field[]): number {
  const end = fields.findIndex(field => !isResult(field))
  return end < 0 ? fields.length : end
}

function isResult(field: Field): boolean {
  return [SPAM_FIELD, VIRUS_FIELD, SPF_FIELD].includes(field.name) || isAuthenticationField(field)
}

function isNoReturnPath({ name }: Field): boolean {
  return name !== 'return-path'
}

function plainWord(field: Field | undefined): string {
  if (field === undefined) return NONE
  const word = field.raw.trim().toLowerCase()
  return WORD.test(word) ? word : worst([field.raw], WORDS)
}

type Patterns = readonly { word: string; pattern: RegExp }[]

function resultPatterns(method: string): Patterns {
  return WORST_FIRST.map(word => ({
    word,
    pattern: new RegExp(`\\b${method}\\s*=\\s*"?${word}(?![a-z_-])`, 'i'),
  }))
}

/** Searches word by word, as a text may be long and hold a hundred thousand results. */
function worst(texts: readonly string[], patterns: Patterns): string {
  return patterns.find(({ pattern }) => texts.some(text => pattern.test(text)))?.word ?? NONE
}
