// The command `ses-bounce` as an operator runs it, in a process of its own, on a product's directory.
// Whatever it ends with is a result; one that doesn't end in time is killed, and rejects.

import { execFile } from 'node:child_process'
import { builtFile } from './package-folder'
import type { Product } from './product'
import { PATIENCE_MS } from './wait'

const COMMAND = builtFile('src/cli/main.js')

export interface CommandResult {
  code: number
  lines: string[]
  errors: string[]
}

export function sesBounce(product: Pick<Product, 'haraka'>, ...args: string[]): Promise<CommandResult> {
  return sesBounceWith({}, product, ...args)
}

/** `env`: more variables. */
export function sesBounceWith(
  env: Readonly<Record<string, string>>,
  { haraka }: Pick<Product, 'haraka'>,
  ...args: string[]
): Promise<CommandResult> {
  return new Promise((resolve, reject) => {
    const options = {
      cwd: haraka.dir,
      timeout: PATIENCE_MS,
      env: { ...process.env, HARAKA: haraka.dir, ...env },
    }
    const child = execFile(process.execPath, [COMMAND, ...args], options, (error, stdout, stderr) => {
      if (child.exitCode === null) reject(error ?? new Error(`${args.join(' ')} didn't end`))
      else resolve({ code: child.exitCode, lines: linesOf(stdout), errors: linesOf(stderr) })
    })
  })
}

function linesOf(text: string): string[] {
  return text.split('\n').slice(0, -1)
}
