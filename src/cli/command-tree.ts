// The commands with their options as plain data, for the man page and for shells' completion.

import { Command } from 'commander'
import { type CommandTable, programOf, type Shell } from './command-line'

export interface CommandInfo {
  /** The names of the command and those above it: `queue list`. '': the program itself. */
  path: string
  /** One line. */
  summary: string
  /** The arguments behind its name: `<ID...>`. */
  usage: string
  options: readonly OptionInfo[]
  commands: readonly CommandInfo[]
}

export interface OptionInfo {
  /** `-h, --help`, `--limit <NUMBER>` */
  flags: string
  long: string
  meaning: string
  takesValue: boolean
}

const NO_SHELL: Shell = {
  out: { line: () => undefined, error: () => undefined },
  env: {},
  exit: () => async () => undefined,
}

export function commandTree(commands: CommandTable): CommandInfo {
  const program = programOf(() => undefined)
  for (const [name, { summary, load }] of Object.entries(commands)) {
    const command = program.command(name).summary(summary)
    load()(command, NO_SHELL)
  }
  return infoOf(program, '')
}

function infoOf(command: Command, path: string): CommandInfo {
  const help = command.createHelp()
  const below = help.visibleCommands(command).filter(one => one.name() !== 'help')
  return {
    path,
    summary: help.subcommandDescription(command) || command.description(),
    usage: command.registeredArguments.map(one => argument(one.name(), one.required, one.variadic)).join(' '),
    options: help.visibleOptions(command).map(({ flags, long, short, description, required, optional }) => ({
      flags,
      long: long ?? short ?? '',
      meaning: description,
      takesValue: required || optional,
    })),
    commands: below.map(one => infoOf(one, `${path} ${one.name()}`.trim())),
  }
}

function argument(name: string, isRequired: boolean, isVariadic: boolean): string {
  const text = `${name}${isVariadic ? '...' : ''}`
  return isRequired ? text : `[${text}]`
}

/** The command and all below it. */
export function allCommands(info: CommandInfo): CommandInfo[] {
  return [info, ...info.commands.flatMap(allCommands)]
}
