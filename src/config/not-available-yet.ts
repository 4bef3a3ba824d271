// Names of features that aren't built yet. The checker refuses them as "not available yet" rather than as unknown, so
// that nobody searches for a typing error; `check --explain` and the reference page show them.

export interface LaterName {
  what: 'section' | 'setting'
  /** The form in the reference. Capitals stand for a name that the administrator chooses. */
  name: string
  /** The section of a setting. */
  section?: string
  /** Matches the name as it is written in a file. */
  pattern: RegExp
  meaning: string
}

/** Sections for tokens, passwords, an external id: no diagnostic shows their lines. */
const SECRET_SECTIONS = /^(?:http|queue|relay\.sqs|account\..*)$/i

export const LATER: readonly LaterName[] = [
  setting('http', 'token.NAME', /^token\./, 'a bearer token with a name, for one user of the HTTP API'),
  setting('http', 'role.NAME', /^role\./, 'the rights of the token of that name: read or operate'),
]

export function laterSection(name: string): LaterName | undefined {
  return LATER.find(({ what, pattern }) => what === 'section' && pattern.test(name))
}

export function laterSetting(section: string, key: string): LaterName | undefined {
  return LATER.find(one => one.what === 'setting' && one.section === section && one.pattern.test(key))
}

/** Whether lines of a section may hold a password or a token. */
export function mayHoldSecrets(sectionName: string): boolean {
  return SECRET_SECTIONS.test(sectionName)
}

function setting(inSection: string, name: string, pattern: RegExp, meaning: string): LaterName {
  return { what: 'setting', name: `[${inSection}] ${name}`, section: inSection, pattern, meaning }
}
