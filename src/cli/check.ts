// `ses-bounce check`: all diagnostics that the plugin would log at boot, in the order of the files. Only reads.
// Exits with 1 if Haraka wouldn't start, with 2 if there is nothing to check. `--online` also asks AWS.

import { statSync } from 'node:fs'
import path from 'node:path'
import { type ActiveConfig, compileActiveConfig, RULES_FILE } from '../app/active-config'
import { ConfigurationError } from '../config/configuration-error'
import type { Diagnostic } from '../config/diagnostics'
import type { LoadOptions } from '../config/load'
import { type Owner, runAs, SMTP_FILE } from '../config/owner'
import { allDiagnostics, createSources, type Sources, signatureOfFault } from '../config/sources'
import { errorMessage } from '../errors'
import { installDiagnostics } from '../haraka/install-diagnostics'
import { notLoadedOnce } from '../haraka/plugin-list'
import { asSplitErrors } from '../haraka/refusal-diagnostics'
import { explainName } from './check-name'
import { askOnline } from './check-online'
import { relayFindings } from './check-relay'
import { hasError, isError, jsonReport, report } from './check-report'
import { type CommonOptions, type Describe, harakaDir, runCommand, UsageError } from './command-line'
import { folderFindings } from './folder-diagnostics'
import { strictly } from './online/online'
import { onlineReport } from './online/online-report'
import { escapeControls, type Out } from './out'
import { ownerDiagnostics } from './owner-diagnostics'

interface Options extends CommonOptions {
  online?: boolean
  explain?: string
  strict?: boolean
}

export const describeCheck: Describe = (command, { out, env, exit }) => {
  command
    .description('Shows every error and warning of the configuration, with file and line.')
    .option(
      '--online',
      'also asks AWS whether the credentials work, the bounce senders are verified and SendBounce is permitted, ' +
        'in the regions of [ses] regions and those in the queue. It makes no bounce: SendBounce is called once ' +
        "a region, with an id that SES can't have given. It may throttle a running dispatcher once. " +
        'It needs ses:GetIdentityVerificationAttributes and ses:SendBounce',
    )
    .option(
      '--explain <NAME>',
      'explains NAME: a setting, a condition, a key of a rule, a pattern, a guard, a reason',
    )
    .option('--strict', "makes a warning an error, and also what AWS didn't answer")
    .addHelpText(
      'after',
      `
With --json one JSON object: errors, warnings, ok, and online where AWS was asked.
Ends with 0 when there is no error, 1 when there is one, 2 when nothing could be checked.`,
    )
    .action(exit(one => checkConfiguration(one.optsWithGlobals(), out, env)))
}

/** Resolves with the exit code. */
export function check(args: string[], out: Out, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  return runCommand('check', describeCheck, args, { out, env })
}

async function checkConfiguration(
  { explain, online: isOnline = false, strict = false, json = false, ...common }: Options,
  out: Out,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  if (explain !== undefined) return explainName(explain, json, out)
  const dir = harakaDir(common, env)
  mustBeThere(dir)
  const options = { dir, online: isOnline, strict, json }
  const sources = createSources(configOf(options.dir))
  const { value, diagnostics: ofFiles } = look(sources, env)
  const diagnostics = [
    ...asSplitErrors(ofFiles, value.policy),
    ...installDiagnostics(value, sources, RULES_FILE),
    ...(await relayFindings(options.dir, value.settings, Date.now())),
    ...folderFindings(options.dir),
    ...ownerDiagnostics(options.dir, sources.seen(), workersUser(sources)),
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
  options: LoadOptions = {},
): { value: ActiveConfig; diagnostics: Diagnostic[] } {
  const { value, diagnostics } = compileActiveConfig(sources, env, options)
  const ofAccounts = accountFault(sources)
  // read last, as only now all files have been read
  return {
    value,
    diagnostics: allDiagnostics(sources, [...diagnostics, ...ofAccounts, ...notLoadedOnce(sources)]),
  }
}

/** Empty where smtp.ini names no account of this machine, which has an error of its own. */
function workersUser(sources: Sources): Owner {
  try {
    return runAs(sources.read(SMTP_FILE))
  } catch {
    return {}
  }
}

/** The fault of the user and group for the plugin's files, as at boot. */
function accountFault(sources: Sources): readonly Diagnostic[] {
  try {
    runAs(sources.read(SMTP_FILE))
    return []
  } catch (error) {
    if (error instanceof ConfigurationError) return error.diagnostics
    // /etc/passwd or /etc/group can't be read
    return [{ severity: 'error', file: SMTP_FILE, line: 0, message: errorMessage(error) }]
  }
}

function asError(diagnostic: Diagnostic): Diagnostic {
  return { ...diagnostic, severity: 'error' }
}

export function configOf(dir: string): string {
  return path.join(dir, 'config')
}

/** @throws UsageError: there is no configuration to check */
export function mustBeThere(dir: string, option = '--dir'): void {
  const fault = missing(dir, option)
  if (fault !== undefined) throw new UsageError(fault)
}

/** The reason why there is no configuration to check. Undefined: there is one. */
export function missing(dir: string, option = '--dir'): string | undefined {
  const fault = noDirectory(dir) ?? noDirectory(configOf(dir))
  return fault && `${fault}; ${option} names the Haraka directory, which holds config/`
}

function noDirectory(dir: string): string | undefined {
  try {
    return statSync(dir).isDirectory() ? undefined : `${dir} is not a directory`
  } catch (error) {
    const code = signatureOfFault(error)
    return code === 'ENOENT' ? `there is no directory ${dir}` : `${dir} can't be read (${code})`
  }
}
