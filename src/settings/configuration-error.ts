// What stops Haraka: every error of the configuration, in the lines that `ses-bounce check` prints.
// Haraka logs what it is stopped by as Node shows it, so it is shown as these lines and nothing else.

import { inspect } from 'node:util'
import { SesBounceError } from '../errors'
import { type Finding, formatFinding } from './findings'

export class ConfigurationError extends SesBounceError {
  readonly #findings: readonly Finding[]

  constructor(findings: readonly Finding[]) {
    super(
      'CONFIGURATION',
      ['the configuration has errors:', ...findings.map(finding => `  ${formatFinding(finding)}`)].join('\n'),
    )
    this.name = 'ConfigurationError'
    this.#findings = findings
    // what is wrong is in the files, not in the code that reads them
    this.stack = `${this.name}: ${this.message}`
  }

  get findings(): readonly Finding[] {
    return this.#findings
  }

  /** Node puts an error without a stack in brackets, and its properties behind it. */
  [inspect.custom](): string {
    return `${this.name}: ${this.message}`
  }
}
