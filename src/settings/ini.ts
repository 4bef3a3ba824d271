// Reads ini text with line numbers, and says what Haraka's own reader passes over in silence.
// Never throws: every line of any input ends in an entry, a section, a comment or a finding.

import type { Finding } from './findings'

export interface IniEntry {
  key: string
  /** As written behind `=`, trimmed; comments and quotes are still in it (values.ts, items.ts take them out). */
  value: string
  line: number
}

export interface IniSection {
  name: string
  line: number
  entries: IniEntry[]
  /** True: there is no such line in the file, only entries above the first section. */
  implied?: true
}

export interface IniFile {
  file: string
  /** In the order of the file. Entries above the first section stand in a section named `main`. */
  sections: IniSection[]
  findings: Finding[]
}

export interface IniOptions {
  /**
   * `[name] ; comment` is a section. In files whose sections anybody may name it is a fault, as Haraka's own tools
   * take such a line for a key of the section before.
   */
  commentsBehindSections?: boolean
}

/** Haraka reads a file of this name with the same rules for comments and continued lines. */
export function parseIni(file: string, text: string, options: IniOptions = {}): IniFile {
  const reader = new Reader(file, options)
  let continued: { text: string; line: number } | undefined
  for (const [index, raw] of text
    .replace(/^\uFEFF/, '')
    .split(/\r\n|\r|\n/)
    .entries()) {
    if (isCommentOrBlank(raw)) continue
    if (continued && raw.trimStart().startsWith('[')) {
      reader.error(continued.line, "the line ends in a backslash, and a section name can't continue it")
      reader.take(continued.text, continued.line)
      continued = undefined
    }
    const line = continued?.line ?? index + 1
    const whole: string = (continued?.text ?? '') + raw
    // a trailing backslash joins the next line, as in Haraka's reader
    if (/\\\s*$/.test(raw)) {
      continued = { text: whole.replace(/\\\s*$/, ''), line }
      continue
    }
    continued = undefined
    reader.take(whole, line)
  }
  if (continued) {
    reader.take(continued.text, continued.line)
    reader.error(continued.line, 'the line ends in a backslash, but the file ends there')
  }
  return { file, sections: reader.sections, findings: reader.findings }
}

class Reader {
  readonly sections: IniSection[] = []
  readonly findings: Finding[] = []
  #current: IniSection | undefined
  readonly #file: string
  readonly #commentsBehindSections: boolean

  constructor(file: string, options: IniOptions) {
    this.#file = file
    this.#commentsBehindSections = options.commentsBehindSections ?? false
  }

  take(whole: string, line: number): void {
    const text = whole.trim()
    if (text === '') return
    if (text.startsWith('[')) this.#section(text, line)
    else this.#entry(text, line)
  }

  error(line: number, message: string): void {
    const section = this.#current?.name
    this.findings.push({
      severity: 'error',
      file: this.#file,
      line,
      ...(section !== undefined && { section }),
      message,
    })
  }

  #section(text: string, line: number): void {
    const close = text.indexOf(']')
    const name = (close < 0 ? text.slice(1) : text.slice(1, close)).trim()
    const known = this.sections.find(section => section.name === name)
    this.#current = { name, line, entries: [] }
    if (close < 0) this.error(line, `the section name isn't closed: "]" is missing behind "${name}"`)
    else if (!this.#mayStandBehind(text.slice(close + 1))) {
      this.error(
        line,
        `only the section name may stand on its line; put "${text.slice(close + 1).trim()}" on a line of its own`,
      )
    } else if (name === '') this.error(line, 'a section needs a name')
    else if (known) this.error(line, `there is a section of this name already, in line ${known.line}`)
    this.sections.push(this.#current)
  }

  #mayStandBehind(rest: string): boolean {
    return rest.trim() === '' || (this.#commentsBehindSections && /^\s+;/.test(rest))
  }

  #entry(text: string, line: number): void {
    if (this.#current === undefined) {
      this.#current = { name: 'main', line, entries: [], implied: true }
      this.sections.push(this.#current)
    }
    const equals = text.indexOf('=')
    if (equals < 0) {
      this.error(line, `no "=" in this line: "${text}"`)
      return
    }
    const key = text.slice(0, equals).trim()
    if (key === '') {
      this.error(line, 'there is no key before the "="')
      return
    }
    const earlier = this.#current.entries.find(entry => entry.key.toLowerCase() === key.toLowerCase())
    if (earlier) {
      this.error(
        line,
        `"${key}" stands in line ${earlier.line} already; several values go in one line, with commas`,
      )
      return
    }
    this.#current.entries.push({ key, value: text.slice(equals + 1).trim(), line })
  }
}

function isCommentOrBlank(line: string): boolean {
  return /^\s*(?:[;#]|$)/.test(line)
}
