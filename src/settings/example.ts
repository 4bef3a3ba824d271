// The ses-bounce.ini that ships, written from the table: every key with its default, all of them commented out.
// Pure; a test fails when config/ses-bounce.ini says anything else.

import { type Key, SCHEMA, SECTION_MEANING, type SectionName } from './schema'

const HEAD = `; Settings of haraka-plugin-ses-bounce. Every key is shown with its default, commented out:
; take the ";" at the start of a line away to set it. A wrong value stops Haraka at boot, and is in its log.
; Durations: 500ms 10s 5m 24h 7d. Sizes: 10kb 10mb. Rates: 10/day 100/hour. A value may be env:NAME. Comments: " ;".
`

export function exampleSettings(): string {
  const sections = Object.entries(SCHEMA).map(([name, keys]) => section(name, Object.entries(keys)))
  return [HEAD, ...sections.filter(text => text !== '')].join('\n')
}

function section(name: string, all: [string, Key<unknown>][]): string {
  const keys = all.filter(([, { kind }]) => kind.later === undefined)
  if (keys.length === 0) return ''
  const settings = keys.map(([key, { standard, example }]) => `;${key} = ${example ?? standard}`.trimEnd())
  const width = Math.max(...settings.map(text => text.length))
  const lines = keys.map(([, { meaning }], index) => `${settings[index]?.padEnd(width)}   ; ${meaning}`)
  const about = SECTION_MEANING[name as SectionName]
  return [`[${name}]`, ...(about === undefined ? [] : [`; ${about}`]), ...lines, ''].join('\n')
}
