// The ses-bounce-rules.ini that ships: sample rules by task, and what else there is, all of it commented out.
// Pure; a test fails when config/ses-bounce-rules.ini says anything else. No rule may be in force in it: nobody could
// take it away again, as Haraka lays a user's file over this one key by key.

import { ENTRIES } from './entries'
import { SAMPLE_RULES, type SampleRule } from './sample-rules'

const HEAD = `; Rules of haraka-plugin-ses-bounce. A section is a rule; they are tried from top to bottom for each recipient, and
; the first one whose conditions all hold decides. Where none does, mail is accepted. None is active in this file:
; copy what you need into config/ses-bounce-rules.ini of your Haraka directory, without the ";" in front.
;
; KEY = PATTERN, PATTERN holds when one of the patterns matches; not.KEY when none does. Patterns match the whole value,
; in whatever case; * stands for any text, ? for a character. A regular expression is found anywhere: /final notice/.
; Addresses: user@host, @host, @.host (and subdomains), <> (null sender). Numbers: > 10mb, <= 5, 1..5.
; file:NAME takes the patterns from config/NAME, one a line. A comment has a line of its own, or stands behind " ;".
; With mode = observe a rule decides nothing, and the log says what it would have decided.
;
; Told task by task in docs/rules.md, name by name in docs/reference.md and by "node_modules/.bin/ses-bounce check --explain NAME".
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

/** The guards as one: [guard] has them all. */
function outcomeKeys(): string[][] {
  const keys = ENTRIES.filter(({ topic, name }) => topic === 'outcome key' && !name.startsWith('guard.'))
  return [
    ...keys.map(({ name, meaning }) => [name, meaning]),
    ['guard.NAME', 'a key of [guard], for this rule'],
  ]
}

/** In columns; never at the start of a line, where it could be taken for something to put in force. */
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
