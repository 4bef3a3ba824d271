// The error that stops Haraka: all errors of the configuration, in the lines that `ses-bounce check` prints.
// Haraka logs it as Node formats it, so it is formatted as these lines only.

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
    // the fault is in the files, so the stack of our code is useless
    this.stack = `${this.name}: ${this.message}`
  }

  get diagnostics(): readonly Diagnostic[] {
    return this.#diagnostics
  }

  /** Node would show an error without a stack in brackets, followed by its properties. */
  [inspect.custom](): string {
    return `${this.name}: ${this.message}`
  }
}
