// Reads test cases of a policy from their ini file: a section is a case.
// Never throws: faults are returned as diagnostics with file and line. A case with an error is left out.

import { type Diagnostic, didYouMean } from '../../config/diagnostics'
import type { IniFile, IniSection } from '../../config/ini'
import { familyOf } from '../../policy/fields'
import type { Policy } from '../../policy/rule'
import type { EpochMs } from '../../units'
import type { Given } from '../explain/assumed'
import type { Results } from '../explain/examined'
import { asResult, parseAt } from '../explain/options'
import type { TestCase } from './case'
import { readRefusals } from './case-refusals'
import { readExpectations } from './expectations'
import { CASE_KEY_NAMES, groupOf } from './keys'
import { type MadeMail, madeMail } from './made-mail'
import { CaseValues } from './values'

export interface CaseContext {
  policy: Policy
  /** The bytes of a mail, by its path from config/; a text: why there are none. */
  mailFile: (name: string) => Buffer | string
  nowMs: EpochMs
}

export function readCases(
  ini: IniFile,
  context: CaseContext,
): { cases: TestCase[]; diagnostics: Diagnostic[] } {
  const diagnostics: Diagnostic[] = [...ini.diagnostics]
  const cases: TestCase[] = []
  for (const section of ini.sections) {
    const values = new CaseValues(section.entries, (line, message) => {
      diagnostics.push({ severity: 'error', file: ini.file, line, section: section.name, message })
    })
    const before = diagnostics.length
    const read = readCase(section, values, context)
    if (read !== undefined && diagnostics.length === before) cases.push(read)
  }
  return { cases, diagnostics: diagnostics.toSorted((a, b) => a.line - b.line) }
}

function readCase(section: IniSection, values: CaseValues, context: CaseContext): TestCase | undefined {
  const { name, line } = section
  if (section.implied) {
    values.faultOf(line, 'these lines belong to no case; a section name as [unknown mailbox] goes above them')
    return undefined
  }
  checkKeys(section, values)
  const at = readAt(values)
  const atMs = at && 'timeMs' in at ? at.timeMs : context.nowMs
  const mail = values.has('mail') ? fromFile(values, context, at) : madeMail(section, values, atMs)
  const given = { ...mail?.given, ...readGiven(values) }
  const expectations = readExpectations(section, values, context.policy)
  return mail && { name, line, raw: mail.raw, given, results: resultsOf(section, values), expectations }
}

function checkKeys({ entries }: IniSection, values: CaseValues): void {
  for (const { key } of entries) {
    const group = groupOf(key)
    if (group === undefined) values.faultOf(values.lineOf(key), unknownKey(key))
    else if (values.has('mail') && ['ses', 'header', 'content'].includes(group))
      values.fault(key, "is in the mail itself; it doesn't go with mail = FILE")
  }
}

function unknownKey(key: string): string {
  const family = familyOf(key)
  const hint = family === undefined ? didYouMean(key, CASE_KEY_NAMES) : `; it is written ${family}`
  return `unknown key "${key}"${hint}`
}

/** Undefined: nothing is said, or something wrong. */
function readAt(values: CaseValues): Given['at'] {
  const text = values.text('at')
  const at = text === undefined ? undefined : parseAt(text)
  if (at && 'timeMs' in at) return at
  if (text !== undefined) values.fault('at', `can't be "${text}"; write a time as 2025-02-20T12:38:04Z`)
  return undefined
}

function fromFile(values: CaseValues, { mailFile }: CaseContext, at: Given['at']): MadeMail | undefined {
  const name = values.text('mail') ?? ''
  const afterMs = values.durationMs('age')
  if (at && afterMs !== undefined)
    values.fault('age', "doesn't go with at: the mail's time of receipt is in the file")
  const raw = name === '' ? 'needs the name of a file' : mailFile(name)
  if (typeof raw === 'string') return values.fault('mail', raw)
  const when = at ?? (afterMs === undefined ? undefined : { afterMs })
  return { raw: () => raw, given: when ? { at: when } : {} }
}

/** The relay's envelope. */
function readGiven(values: CaseValues): Given {
  const [sizeBytes] = values.sizesBytes('size') ?? []
  const from = values.sender('envelope.sender')
  const to = values.addresses('envelope.recipient')
  const relay = values.ip('relay.ip')
  const refusals = readRefusals(values)
  return {
    ...(from !== undefined && { from }),
    ...(to !== undefined && { to }),
    ...(relay !== undefined && { relay }),
    ...(refusals && { refusals }),
    ...(sizeBytes !== undefined && { sizeBytes }),
  }
}

function resultsOf({ entries }: IniSection, values: CaseValues): Results {
  const found = entries
    .filter(({ key }) => key.startsWith('result.') && groupOf(key) === 'relay')
    .map(({ key }) => [key.slice('result.'.length), values.list(key)?.map(asResult) ?? []] as const)
  return new Map(found)
}
