// Errors and warnings about the configuration, each with its file and line.
// Nothing here throws: diagnostics are collected, so that all of them are shown at once.

import { escapeControls, shortened } from './escape'

export type Severity = 'error' | 'warning'

export interface Diagnostic {
  severity: Severity
  /** Name of the file within Haraka's config directory. */
  file: string
  /** 1 for the first line; 0: the file as a whole. */
  line: number
  /** The section that the diagnostic belongs to, if any. */
  section?: string
  message: string
}

/** A wrong file can be one line of any length; messages about a right one are much shorter. */
const LONGEST_LINE = 2000

/** `ses-bounce-rules.ini:14: [programs] unknown condition "attachement.name"`, fit for a terminal and a log. */
export function formatDiagnostic(diagnostic: Diagnostic): string {
  const place = diagnostic.line > 0 ? `${diagnostic.file}:${diagnostic.line}` : diagnostic.file
  const section = diagnostic.section === undefined ? '' : ` [${diagnostic.section}]`
  return escapeControls(shortened(`${place}:${section} ${diagnostic.message}`, LONGEST_LINE))
}

/** A longer text isn't a mistyped name. */
const LONGEST_NAME = 100

/** Suggests the name among `known` that was probably meant: ` did you mean "x"?`, or nothing. */
export function didYouMean(name: string, known: Iterable<string>): string {
  let best: string | undefined
  if (name.length > LONGEST_NAME) return ''
  // with two changes a very short name is another name
  let bestDistance = (name.length < 4 ? 1 : Math.max(2, Math.floor(name.length / 3))) + 1
  for (const candidate of known) {
    // the distance can't be smaller than that
    if (Math.abs(name.length - candidate.length) >= bestDistance) continue
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** Lists all valid names, for when none is similar. */
export function validAre(names: readonly string[]): string {
  return names.length === 0 ? '' : `; valid are ${names.join(', ')}`
}

/** Levenshtein's distance: quadratic in the length, and names are short. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const substitute = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(substitute, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1))
    }
    previous = current
  }
  return previous[b.length] ?? 0
}
