// Names of features that aren't built yet. The checker refuses them as "not available yet" rather than as unknown, so
// that nobody searches for a typing error; `check --explain` and the reference page show them.
// Values that aren't built yet are listed by their own parser (`choice`).

export interface LaterName {
  what: 'section' | 'setting' | 'condition'
  /** The form in the reference; capitals stand for a name that the administrator chooses. */
  name: string
  /** The section of a setting. */
  section?: string
  /** Matches the name as it is written in a file. */
  pattern: RegExp
  meaning: string
}

/** Sections for tokens, an SMTP password, an external id: no diagnostic shows their lines. */
const SECRET_SECTIONS = /^(?:http|relay\.sqs|account\..*)$/i

export const LATER: readonly LaterName[] = [
  section('delivery', /^delivery$/, 'bounces through SES for outbound deliveries that fail'),
  section('refusals', /^refusals$/, 'bounces through SES for mail that other plugins and servers refuse'),
  section(
    'relay.sqs',
    /^relay\.sqs$/,
    'mail from SES through S3 and SQS to Haraka, without a relay of your own',
  ),
  section('account.NAME', /^account(?:\.|$)/, 'several AWS accounts, by the domains of their recipients'),
  setting('http', 'token.NAME', /^token\./, 'a bearer token with a name, for one user of the HTTP API'),
  setting('http', 'role.NAME', /^role\./, 'the rights of the token of that name: read or operate'),
  ...['by', 'stage', 'code', 'status', 'reply'].map(
    (part): LaterName => ({
      what: 'condition',
      name: `refused.${part}`,
      pattern: new RegExp(`^refused\\.${part}$`),
      meaning: 'a refusal by another plugin, or by a server behind Haraka',
    }),
  ),
]

export function laterSection(name: string): LaterName | undefined {
  return LATER.find(({ what, pattern }) => what === 'section' && pattern.test(name))
}

export function laterSetting(section: string, key: string): LaterName | undefined {
  return LATER.find(one => one.what === 'setting' && one.section === section && one.pattern.test(key))
}

/** `name`: without `not.`. */
export function laterCondition(name: string): LaterName | undefined {
  return LATER.find(({ what, pattern }) => what === 'condition' && pattern.test(name))
}

/** Whether lines of a section may hold a password or a token. */
export function mayHoldSecrets(sectionName: string): boolean {
  return SECRET_SECTIONS.test(sectionName)
}

function section(name: string, pattern: RegExp, meaning: string): LaterName {
  return { what: 'section', name: `[${name}]`, pattern, meaning }
}

function setting(inSection: string, name: string, pattern: RegExp, meaning: string): LaterName {
  return { what: 'setting', name: `[${inSection}] ${name}`, section: inSection, pattern, meaning }
}
