// `ses-bounce check`: everything that the plugin would say of its configuration at boot, in the order of the files.
// Reads only. Ends with 1 where Haraka wouldn't start, with 2 where there is nothing to check.

import { statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { compileInForce, type InForce } from '../door/in-force'
import { ConfigurationError } from '../settings/configuration-error'
import type { Finding } from '../settings/findings'
import { runAs, SMTP_FILE } from '../settings/owner'
import { allFindings, createSources, type Sources, signatureOfFault } from '../settings/sources'
import { explainName } from './check-name'
import { isError, jsonReport, report } from './check-report'
import { escapeControls, type Out } from './out'

export const CHECK_USAGE = `ses-bounce check: everything that is wrong with the configuration, with file and line

  --dir DIR    the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --strict     a warning is an error
  --json       one JSON object: errors, warnings, ok
  --explain NAME
               what NAME means: a setting, a condition, a key of a rule, a pattern, a guard, a reason
  --help

Ends with 0 when there is no error, 1 when there is one, 2 when nothing could be checked.`

/** Resolves with the exit code. */
export async function check(args: string[], out: Out, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const options = readOptions(args, env)
  const fault = 'fault' in options ? options.fault : 'dir' in options ? missing(options.dir) : undefined
  if (fault !== undefined) {
    out.error(escapeControls(`ses-bounce check: ${fault}`))
    return 2
  }
  if ('explain' in options) return explainName(options.explain, options.json, out)
  if (!('dir' in options)) {
    out.line(CHECK_USAGE)
    return 0
  }
  const sources = createSources(configOf(options.dir))
  const { value, findings } = look(sources, env)
  const judged = options.strict ? findings.map(asError) : findings
  for (const line of options.json ? [jsonReport(judged)] : report(judged, value, sources))
    out.line(escapeControls(line))
  return judged.some(isError) ? 1 : 0
}

export function look(sources: Sources, env: NodeJS.ProcessEnv): { value: InForce; findings: Finding[] } {
  const { value, findings } = compileInForce(sources, env)
  const ofAccounts = accountFault(sources)
  // the faults of files are complete only now that all have been read
  return { value, findings: allFindings(sources, [...findings, ...ofAccounts]) }
}

/** The plugin's files are to belong to somebody: at boot that is needed, too. */
function accountFault(sources: Sources): readonly Finding[] {
  try {
    runAs(sources.read(SMTP_FILE))
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.findings
    // /etc/passwd or /etc/group can't be read
    return [{ severity: 'error', file: SMTP_FILE, line: 0, message: String(error) }]
  }
}

function asError(finding: Finding): Finding {
  return { ...finding, severity: 'error' }
}

export function configOf(dir: string): string {
  return path.join(dir, 'config')
}

/** Why there is no configuration to look at. */
export function missing(dir: string, option = '--dir'): string | undefined {
  const fault = noDirectory(dir) ?? noDirectory(configOf(dir))
  return fault && `${fault}; ${option} names the Haraka directory, which holds config/`
}

function noDirectory(dir: string): string | undefined {
  try {
    return statSync(dir).isDirectory() ? undefined : `${dir} is no directory`
  } catch (error) {
    const code = signatureOfFault(error)
    return code === 'ENOENT' ? `there is no directory ${dir}` : `${dir} can't be looked at (${code})`
  }
}

type Options =
  | { help: true }
  | { explain: string; json: boolean }
  | { dir: string; strict: boolean; json: boolean }

function readOptions(args: string[], env: NodeJS.ProcessEnv): Options | { fault: string } {
  try {
    const { values } = parseArgs({
      args,
      options: {
        dir: { type: 'string' },
        strict: { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        explain: { type: 'string' },
        online: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) return { help: true }
    if (values.explain !== undefined) return { explain: values.explain, json: values.json }
    if (values.online) return { fault: '--online is not available yet' }
    if (values.dir === '') return { fault: '--dir needs a directory' }
    const dir = path.resolve(values.dir ?? env['HARAKA'] ?? '')
    return { dir, strict: values.strict, json: values.json }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
