// ses-bounce.ini into Settings: every key checked against the table, all findings at once.
// Where a value is wrong its default stands in, so that the rest can be checked; errors are for the caller to act on.

import { didYouMean, type Finding } from './findings'
import type { IniEntry, IniFile, IniSection } from './ini'
import { wholeValue } from './items'
import { type Parsed, parseValue } from './parse'
import { NOT_YET, type Row, SCHEMA, type Section } from './schema'
import type { AuthenticationLevel, FallbackAction, FallbackReason, GuardSettings, Settings } from './settings'

/** `findings` doesn't repeat `ini.findings`. `env` is for values like `env:NAME`. */
export function loadSettings(
  ini: IniFile,
  env: NodeJS.ProcessEnv,
): { settings: Settings; findings: Finding[] } {
  const loader = new Loader(ini, env)
  loader.checkNames()
  const settings = loader.settings()
  loader.crossCheck(settings)
  return { settings, findings: loader.findings }
}

class Loader {
  readonly findings: Finding[] = []
  readonly #ini: IniFile
  readonly #env: NodeJS.ProcessEnv

  constructor(ini: IniFile, env: NodeJS.ProcessEnv) {
    this.#ini = ini
    this.#env = env
  }

  checkNames(): void {
    for (const section of this.#ini.sections) {
      const known = SCHEMA.find(({ name }) => name === section.name)
      if (known) this.#checkKeys(section, known)
      else if (NOT_YET.some(({ section: name }) => name === section.name)) this.#notYet(section)
      else {
        const meant = didYouMean(
          section.name,
          SCHEMA.map(({ name }) => name),
        )
        this.#report('error', section.line, undefined, `unknown section [${section.name}]${meant}`)
      }
    }
  }

  settings(): Settings {
    const get = <K extends keyof Parsed>(section: string, key: string, _kind: K): Parsed[K] =>
      this.#value(section, key) as Parsed[K]
    const duration = (section: string, key: string) => get(section, key, 'duration')
    const bounceSenderArn = get('ses', 'bounce_sender_arn', 'arn')
    const reportingMta = get('ses', 'reporting_mta', 'reporting-mta')
    const perSender = get('limit', 'per_sender', 'rate')
    const perSenderDomain = get('limit', 'per_sender_domain', 'rate')
    const retry = get('queue', 'retry', 'durations')
    const flag = (key: string) => get('guard', key, 'boolean')
    const fallback = (key: FallbackReason) => get('fallback', key, 'choice') as FallbackAction
    const guard: GuardSettings = {
      null_sender: true,
      own_domains: flag('own_domains'),
      replied: flag('replied'),
      virus: flag('virus'),
      spam: flag('spam'),
      list_mail: flag('list_mail'),
      role_addresses: get('guard', 'role_addresses', 'words').map(word => word.toLowerCase()),
      authentication: get('guard', 'authentication', 'choice') as AuthenticationLevel,
    }
    return {
      main: { mode: get('main', 'mode', 'choice') === 'observe' ? 'observe' : 'enforce' },
      relay: {
        trusted: get('relay', 'trusted', 'networks'),
        authUsers: get('relay', 'auth_users', 'words'),
        keepsRecipients: get('relay', 'keeps_recipients', 'boolean'),
        domains: get('relay', 'domains', 'domains'),
      },
      ses: {
        bounceSender: get('ses', 'bounce_sender', 'bounce-sender'),
        ...(bounceSenderArn !== undefined && { bounceSenderArn }),
        ...(reportingMta !== undefined && { reportingMta }),
        regions: get('ses', 'regions', 'regions'),
        endpoint: get('ses', 'endpoint', 'endpoint'),
        timeoutMs: duration('ses', 'timeout'),
      },
      limit: {
        intervalMs: duration('limit', 'interval'),
        slackMs: duration('limit', 'slack'),
        ...(perSender !== undefined && { perSender }),
        ...(perSenderDomain !== undefined && { perSenderDomain }),
      },
      window: { lengthMs: duration('window', 'length'), marginMs: duration('window', 'margin') },
      queue: {
        store: 'sqlite',
        path: get('queue', 'path', 'path'),
        keepMs: duration('queue', 'keep'),
        retryFirstMs: retry.firstMs,
        retryLongestMs: retry.longestMs,
        unknownTries: get('queue', 'unknown_tries', 'count'),
      },
      content: { limitBytes: get('content', 'limit', 'size') },
      guard,
      fallback: {
        expired: fallback('expired'),
        overload: fallback('overload'),
        no_receipt: fallback('no_receipt'),
        mismatch: fallback('mismatch'),
        ended: fallback('ended'),
        unsafe: fallback('unsafe'),
        capped: fallback('capped'),
      },
      quarantine: { keepMs: duration('quarantine', 'keep') },
    }
  }

  crossCheck({ window, relay, limit, ses }: Settings): void {
    if (window.marginMs >= window.lengthMs) {
      this.#at('window', 'margin', 'error', 'the margin must be shorter than the length of the window')
    }
    if (relay.trusted.some(network => /\/0+$/.test(network))) {
      this.#at(
        'relay',
        'trusted',
        'warning',
        'everybody is trusted: whoever can reach this port can make SES bounce mail',
      )
    }
    // SES: one SendBounce a second, per account and region
    if (limit.intervalMs < 1000 && ses.endpoint === '') {
      this.#at(
        'limit',
        'interval',
        'warning',
        'SES takes one call a second in a region; the others are throttled',
      )
    }
    for (const key of ['per_sender', 'per_sender_domain']) {
      if (this.#entry('limit', key)) {
        this.#at('limit', key, 'warning', `${key} is not in force yet: this version doesn't count bounces`)
      }
    }
  }

  #checkKeys(section: IniSection, known: Section): void {
    for (const entry of section.entries) {
      if (known.rows.some(({ key }) => key === entry.key)) continue
      const meant = didYouMean(
        entry.key,
        known.rows.map(({ key }) => key),
      )
      this.#report('error', entry.line, section.name, `unknown key "${entry.key}"${meant}`)
    }
  }

  #notYet(section: IniSection): void {
    for (const entry of section.entries) {
      if (wholeValue(entry.value) !== '')
        this.#report('error', entry.line, section.name, `"${entry.key}" is not available yet`)
    }
  }

  /** The value of a key, or of its default where there is none or it is wrong. */
  #value(section: string, key: string): Parsed[keyof Parsed] {
    const row = rowOf(section, key)
    const entry = this.#entry(section, key)
    const raw = entry && this.#resolve(entry, section)
    if (entry && raw !== undefined) {
      const result = parseValue(row.kind, raw)
      if ('value' in result) return result.value
      const later = NOT_YET.find(
        not => not.section === section && not.key === key && not.value === wholeValue(raw),
      )
      this.#report(
        'error',
        entry.line,
        section,
        later ? `${key} = ${later.value} is not available yet` : `${key}: ${result.fault}`,
      )
    }
    const standard = parseValue(row.kind, row.default)
    if ('value' in standard) return standard.value
    throw new Error(`the default of [${section}] ${key} is wrong: ${standard.fault}`)
  }

  #resolve(entry: IniEntry, section: string): string | undefined {
    const name = /^env:(.*)$/.exec(wholeValue(entry.value))?.[1]
    if (name === undefined) return entry.value
    const value = this.#env[name]
    if (value === undefined)
      this.#report('error', entry.line, section, `${entry.key}: the environment has no "${name}"`)
    return value
  }

  #entry(section: string, key: string): IniEntry | undefined {
    return this.#ini.sections.find(({ name }) => name === section)?.entries.find(entry => entry.key === key)
  }

  #at(section: string, key: string, severity: Finding['severity'], message: string): void {
    this.#report(severity, this.#entry(section, key)?.line ?? 0, section, message)
  }

  #report(severity: Finding['severity'], line: number, section: string | undefined, message: string): void {
    this.findings.push({
      severity,
      file: this.#ini.file,
      line,
      ...(section !== undefined && { section }),
      message,
    })
  }
}

function rowOf(section: string, key: string): Row {
  const row = SCHEMA.find(({ name }) => name === section)?.rows.find(one => one.key === key)
  if (row === undefined) throw new Error(`the table of settings has no [${section}] ${key}`)
  return row
}
