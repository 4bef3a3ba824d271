// `ses-bounce refusals`: plugins, and servers behind Haraka, that refuse most recipients, and the way back.

import type { Command } from 'commander'
import { SurgeFiles, type SurgeRecord, surgeFolder } from '../app/surge-files'
import { errorMessage } from '../errors'
import { jsonText } from '../json'
import { mustBeThere } from './check'
import { asGroup, type CommonOptions, type Describe, harakaDir, runCommand, type Shell } from './command-line'
import { escaping, type Out } from './out'

interface Options extends CommonOptions {
  plugin?: string
}

export const describeRefusals = (command: Command, { out, env, exit }: Shell): void => {
  const withFiles = (work: (files: SurgeFiles, options: Options, to: Out) => number) =>
    exit(one => {
      const options = one.optsWithGlobals<Options>()
      const dir = harakaDir(options, env)
      mustBeThere(dir)
      const to = escaping(out)
      try {
        return work(new SurgeFiles(surgeFolder(dir)), options, to)
      } catch (error) {
        to.error(`ses-bounce refusals: ${errorMessage(error)}`)
        return 1
      }
    })
  asGroup(command, exit)
    .description('Shows plugins that refuse most recipients: their refusals are 450 ([refusals] surge).')
    .addHelpText(
      'after',
      `
With --json one JSON object a line.
Ends with 0; with 1 when there is such a plugin, or none to resume; with 2 on wrong options.`,
    )
  command
    .command('list')
    .description('lists them: the plugin, since when, its share of the recipients')
    .action(withFiles((files, { json }, to) => list(files, json ?? false, to)))
  command
    .command('resume')
    .description('lets their refusals go by the rules again')
    .option('--plugin <NAME>', 'only that one')
    .action(withFiles((files, options, to) => resume(files, options, to)))
}

/** Resolves with the exit code. */
export function refusals(args: string[], out: Out, env: NodeJS.ProcessEnv = process.env): Promise<number> {
  const describe: Describe = (command, shell) => describeRefusals(command, shell)
  return runCommand('refusals', describe, args, { out, env })
}

function list(files: SurgeFiles, json: boolean, to: Out): number {
  const surges = files.all()
  for (const one of surges) to.line(json ? jsonText(one) : textOf(one))
  if (surges.length === 0 && !json) to.line('No plugin refuses most recipients.')
  return surges.length === 0 ? 0 : 1
}

function resume(files: SurgeFiles, { plugin, json = false }: Options, to: Out): number {
  const surges = files.all().filter(({ by }) => plugin === undefined || by === plugin)
  for (const one of surges) {
    files.end(one.by)
    to.line(json ? jsonText({ ...one, resumed: true }) : `${one.by}: its refusals go by the rules again`)
  }
  if (surges.length > 0) return 0
  const what = plugin === undefined ? 'no plugin refuses' : `${plugin} doesn't refuse`
  to.error(`ses-bounce refusals: ${what} most recipients`)
  return 1
}

function textOf({ by, stage, since, share }: SurgeRecord): string {
  return `${by} (${stage}) has refused ${share}, since ${since}`
}
