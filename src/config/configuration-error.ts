// What stops Haraka: every error of the configuration, in the lines that `ses-bounce check` prints.
// Haraka logs what it is stopped by as Node shows it, so it is shown as these lines and nothing else.

import { inspect } from 'node:util'
import { SesBounceError } from '../errors'
import { type Diagnostic, formatDiagnostic } from './diagnostics'

export class ConfigurationError extends SesBounceError {
  readonly #diagnostics: readonly Diagnostic[]

  constructor(diagnostics: readonly Diagnostic[]) {
    super(
      'CONFIGURATION',
      [
        'the configuration has errors:',
        ...diagnostics.map(diagnostic => `  ${formatDiagnostic(diagnostic)}`),
      ].join('\n'),
    )
    this.name = 'ConfigurationError'
    this.#diagnostics = diagnostics
    // what is wrong is in the files, not in the code that reads them
    this.stack = `${this.name}: ${this.message}`
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics
  }

  /** Node puts an error without a stack in brackets, and its properties behind it. */
  [inspect.custom](): string {
    return `${this.name}: ${this.message}`
  }
}
