// Writes the shipped ses-bounce-rules.ini: sample rules by task, and lists of all conditions and keys, all commented
// out. A test compares the file with it. No rule in it may be active: users couldn't remove it, as Haraka merges their
// file into this one key by key.

import { ENTRIES } from './entries'
import { SAMPLE_RULES, type SampleRule } from './sample-rules'

const HEAD = `; Rules of haraka-plugin-ses-bounce. A section is a rule; they are tried from top to bottom for each recipient, and
; the first one whose conditions all hold decides. If none does, the mail is accepted. No rule in this file is active:
; copy what you need into config/ses-bounce-rules.ini of your Haraka directory, without the ";" in front.
;
; KEY = PATTERN, PATTERN holds when one of the patterns matches; not.KEY when none does. Patterns match the whole value
; and ignore case; * stands for any text, ? for one character. A regular expression matches anywhere: /final notice/.
; Addresses: user@host, @host, @.host (and subdomains), <> (null sender). Numbers: > 10mb, <= 5, 1..5.
; file:NAME reads patterns from config/NAME, one on each line. A comment has a line of its own, or follows " ;".
; With mode = observe a rule decides nothing; the log shows the decision that it would have made.
;
; docs/rules.md explains rules by task, and docs/reference.md each name, as "node_modules/.bin/ses-bounce check --explain NAME" does.
`

export function exampleRules(): string {
  return [
    HEAD,
    ...SAMPLE_RULES.map(sample),
    '; All conditions, with the kind of their patterns:',
    list(
      ENTRIES.filter(({ topic }) => topic === 'condition').map(({ name, kind = '', meaning }) => [
        name,
        kind,
        meaning,
      ]),
    ),
    '; All other keys of a rule; each rule needs an action:',
    list(outcomeKeys()),
  ].join('\n')
}

function sample({ task, lines }: SampleRule): string {
  return [...task.map(text => `; ${text}`), ...lines.map(line => `;${line}`), ''].join('\n')
}

/** All guard keys as one line, as [guard] lists them. */
function outcomeKeys(): string[][] {
  const keys = ENTRIES.filter(({ topic, name }) => topic === 'outcome key' && !name.startsWith('guard.'))
  return [
    ...keys.map(({ name, meaning }) => [name, meaning]),
    ['guard.NAME', 'a key of [guard], for this rule'],
  ]
}

/** A list in columns, indented, as a line that begins with `;key` looks like one to uncomment. */
function list(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map(row => row[at]?.length ?? 0)))
  const lines = rows.map(row =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  )
  return [...lines.map(line => `;   ${line}`), ''].join('\n')
}
