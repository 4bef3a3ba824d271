// Reads ini text with line numbers, and reports faults that Haraka's own reader ignores.
// Never throws: every line of any input ends in an entry, a section, a comment or a diagnostic.

import type { Diagnostic } from './diagnostics'
import { shortened } from './escape'

export interface IniEntry {
  key: string
  /** The text after `=`, trimmed, with its comments and quotes (values.ts and items.ts remove them). */
  value: string
  line: number
}

export interface IniSection {
  name: string
  line: number
  entries: IniEntry[]
  /** True: the file has no such line, only entries above the first section. */
  implied?: true
}

export interface IniFile {
  file: string
  /** In the order of the file. Entries above the first section belong to a section named `main`. */
  sections: IniSection[]
  diagnostics: Diagnostic[]
}

export interface IniOptions {
  /**
   * `[name] ; comment` is a section. It is a fault in files with free section names, as Haraka's own tools read such a
   * line as a key of the section before.
   */
  commentsBehindSections?: boolean
  /** Sections whose lines no diagnostic shows, as they may hold secrets. */
  isHidden?: (sectionName: string) => boolean
}

/** Matches a line that was meant to stand alone: a continuing line is indented, or isn't `key = value`. */
const OWN_LINE = /^[a-z][\w.-]*\s+=\s/i

/** The most faults shown, as a wrong file has one in every line. */
const SHOWN_FAULTS = 20

/** Follows Haraka's rules for comments and continued lines in a file of this name. */
export function parseIni(file: string, text: string, options: IniOptions = {}): IniFile {
  const reader = new Reader(file, options)
  let continued: { parts: string[]; line: number } | undefined
  const endContinued = (message?: string): void => {
    if (continued === undefined) return
    const { parts, line } = continued
    continued = undefined
    reader.take(parts.join(''), line)
    if (message !== undefined) reader.error(line, `the line ends in a backslash, ${message}`)
  }
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    const start = raw.trimStart()
    // Haraka's reader would join the next line
    if (start === '') endContinued('but nothing continues it')
    if (start === '' || isComment(start)) continue
    if (start.startsWith('[')) endContinued("and a section name can't continue it")
    else if (continued && OWN_LINE.test(raw)) {
      const message = `${reader.shown(raw)} continues line ${continued.line}, which ends in a backslash; remove the backslash, or indent this line`
      reader.error(index + 1, message)
    }
    // a trailing backslash joins the next line, as in Haraka's reader, which would then miss a section
    const [, joined] = start.startsWith('[') ? [] : (/^(.*)\\[ \t]*$/s.exec(raw) ?? [])
    continued ??= { parts: [], line: index + 1 }
    continued.parts.push(joined ?? raw)
    if (joined === undefined) endContinued()
  }
  endContinued('but nothing continues it')
  reader.sumUp()
  return { file, sections: reader.sections, diagnostics: reader.diagnostics }
}

class Reader {
  readonly sections: IniSection[] = []
  readonly diagnostics: Diagnostic[] = []
  #current: IniSection | undefined
  /** The first section of a name. */
  readonly #named = new Map<string, IniSection>()
  /** Line of each key of the current section, in lower case. */
  #keyLines = new Map<string, number>()
  readonly #file: string
  readonly #commentsBehindSections: boolean
  readonly #isHidden: (sectionName: string) => boolean
  #withoutEquals = 0

  constructor(file: string, options: IniOptions) {
    this.#file = file
    this.#commentsBehindSections = options.commentsBehindSections ?? false
    this.#isHidden = options.isHidden ?? (() => false)
  }

  take(whole: string, line: number): void {
    const text = whole.trim()
    if (text === '') return
    if (text.startsWith('[')) this.#section(text, line)
    else this.#entry(text, line)
  }

  error(line: number, message: string): void {
    const section = this.#current?.name
    this.diagnostics.push({
      severity: 'error',
      file: this.#file,
      line,
      ...(section !== undefined && { section }),
      message,
    })
  }

  /** A line, or a piece of one, for a message. */
  shown(text: string): string {
    const isHidden = this.#current !== undefined && this.#isHidden(this.#current.name)
    return isHidden ? 'a text that is not shown here' : `"${shortened(text.trim())}"`
  }

  /** Reports the number of faults that weren't shown. */
  sumUp(): void {
    const more = this.#withoutEquals - SHOWN_FAULTS
    if (more <= 0) return
    const message = `${more} more lines have no "="; is this the right file?`
    this.diagnostics.push({ severity: 'error', file: this.#file, line: 0, message })
  }

  #section(text: string, line: number): void {
    const close = text.indexOf(']')
    const name = (close < 0 ? text.slice(1) : text.slice(1, close)).trim()
    const known = this.#named.get(name)
    const rest = close < 0 ? '' : text.slice(close + 1)
    this.#begin({ name, line, entries: [] })
    if (close < 0)
      this.error(line, `the section name isn't closed: "]" is missing after "${shortened(name)}"`)
    else if (!this.#mayStandBehind(rest)) {
      this.error(
        line,
        `a section name must be alone on its line; put ${this.shown(rest)} on a line of its own`,
      )
    } else if (name === '') this.error(line, 'a section needs a name')
    else if (known?.implied)
      this.error(line, 'the lines above the first section are in [main] already; put them here')
    else if (known) this.error(line, `there is a section of this name already, in line ${known.line}`)
  }

  #begin(section: IniSection): IniSection {
    this.sections.push(section)
    if (!this.#named.has(section.name)) this.#named.set(section.name, section)
    this.#current = section
    this.#keyLines = new Map()
    return section
  }

  #mayStandBehind(rest: string): boolean {
    return rest.trim() === '' || (this.#commentsBehindSections && /^\s+;/.test(rest))
  }

  #entry(text: string, line: number): void {
    const section = this.#current ?? this.#begin({ name: 'main', line, entries: [], implied: true })
    const equals = text.indexOf('=')
    if (equals < 0) {
      if (++this.#withoutEquals <= SHOWN_FAULTS) this.error(line, `no "=" in this line: ${this.shown(text)}`)
      return
    }
    const key = text.slice(0, equals).trim()
    if (key === '') {
      this.error(line, 'there is no key before the "="')
      return
    }
    const earlier = this.#keyLines.get(key.toLowerCase())
    if (earlier !== undefined) {
      this.error(
        line,
        `"${shortened(key)}" is in line ${earlier} already; several values go in one line, separated by commas`,
      )
      return
    }
    this.#keyLines.set(key.toLowerCase(), line)
    section.entries.push({ key, value: text.slice(equals + 1).trim(), line })
  }
}

function isComment(start: string): boolean {
  return start.startsWith(';') || start.startsWith('#')
}
