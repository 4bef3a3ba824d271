// `ses-bounce check`: everything that the plugin would say of its configuration at boot, in the order of the files.
// Reads only. Ends with 1 where Haraka wouldn't start, with 2 where there is nothing to check. `--online` asks AWS, too.

import { statSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type ActiveConfig, compileActiveConfig } from '../app/active-config'
import { ConfigurationError } from '../config/configuration-error'
import type { Diagnostic } from '../config/diagnostics'
import { runAs, SMTP_FILE } from '../config/owner'
import { allDiagnostics, createSources, type Sources, signatureOfFault } from '../config/sources'
import { explainName } from './check-name'
import { askOnline } from './check-online'
import { relayFindings } from './check-relay'
import { hasError, isError, jsonReport, report } from './check-report'
import { folderFindings } from './folder-diagnostics'
import { strictly } from './online/online'
import { onlineReport } from './online/online-report'
import { escapeControls, type Out } from './out'

export const CHECK_USAGE = `ses-bounce check: everything that is wrong with the configuration, with file and line

  --dir DIR    the Haraka directory, which holds config/ (default: $HARAKA, else this one)
  --online     also asks AWS: whether the credentials work, the bounce senders are verified and SendBounce is permitted,
               in the regions of [ses] regions and those in the queue. It bounces nothing: SendBounce is called once
               a region, with an id that SES can't have given. A running dispatcher may be throttled once by it.
               Takes ses:GetIdentityVerificationAttributes and ses:SendBounce.
  --explain NAME
               what NAME means: a setting, a condition, a key of a rule, a pattern, a guard, a reason
  --strict     a warning is an error, and so is what AWS left open
  --json       one JSON object: errors, warnings, ok, and online where AWS was asked
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
  const { value, diagnostics: ofFiles } = look(sources, env)
  const diagnostics = [
    ...ofFiles,
    ...relayFindings(options.dir, value.settings, Date.now()),
    ...folderFindings(options.dir),
  ]
  const evaluated = options.strict ? diagnostics.map(asError) : diagnostics
  const write = (lines: string[]) => {
    for (const line of lines) out.line(escapeControls(line))
  }
  // AWS may take its time
  if (!options.json) write(report(evaluated, value, sources))
  const isAsked = options.online && !diagnostics.some(isError)
  const online = isAsked ? await askOnline(value, { dir: options.dir, env }) : undefined
  const answers = online && (options.strict ? strictly(online) : online)
  if (options.json) write([jsonReport(evaluated, answers)])
  else if (options.online) write(online ? onlineReport(online, options.strict) : [NOT_ASKED])
  return evaluated.some(isError) || (answers && hasError(answers)) ? 1 : 0
}

const NOT_ASKED = 'online: AWS was not asked, as the configuration has errors'

export function look(
  sources: Sources,
  env: NodeJS.ProcessEnv,
): { value: ActiveConfig; diagnostics: Diagnostic[] } {
  const { value, diagnostics } = compileActiveConfig(sources, env)
  const ofAccounts = accountFault(sources)
  // the faults of files are complete only now that all have been read
  return { value, diagnostics: allDiagnostics(sources, [...diagnostics, ...ofAccounts]) }
}

/** The plugin's files are to belong to somebody: at boot that is needed, too. */
function accountFault(sources: Sources): readonly Diagnostic[] {
  try {
    runAs(sources.read(SMTP_FILE))
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics
    // /etc/passwd or /etc/group can't be read
    return [{ severity: 'error', file: SMTP_FILE, line: 0, message: String(error) }]
  }
}

function asError(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'error' }
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
  | { dir: string; strict: boolean; json: boolean; online: boolean }

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
    if (values.dir === '') return { fault: '--dir needs a directory' }
    const dir = path.resolve(values.dir ?? env['HARAKA'] ?? '')
    return { dir, strict: values.strict, json: values.json, online: values.online }
  } catch (error) {
    return { fault: error instanceof Error ? error.message : String(error) }
  }
}
