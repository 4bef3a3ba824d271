// The command line, read by commander: a command's help, options and checks come from one description of it.
// Wrong usage is one line with a hint, and exit code 2. Nothing here ends the process.

import path from 'node:path'
import { Command, CommanderError } from 'commander'
import { didYouMean } from '../config/diagnostics'
import { parseCount } from '../config/values'
import { packageVersion } from '../version'
import { escapeControls, type Out } from './out'

/** The environment of a command, besides its options. */
export interface Shell {
  out: Out
  env: NodeJS.ProcessEnv
  /** Makes commander's action of a function that gives the exit code. */
  exit: (work: (command: Command) => number | Promise<number>) => (...args: unknown[]) => Promise<void>
}

/** Adds the options, arguments and the action to a new command. */
export type Describe = (command: Command, shell: Shell) => void

/** By their names. A command's file is loaded only when it is used. */
export type CommandTable = Readonly<Record<string, { summary: string; load: () => Describe }>>

/** The options that every command has. */
export interface CommonOptions {
  dir?: string
  json?: boolean
}

/** Its text is for the user. */
export class UsageError extends Error {}

class CliCommand extends Command {
  override createCommand(name?: string): Command {
    return new CliCommand(name)
  }

  /** Commander's texts begin with "error: ". */
  override error(message: string): never {
    const text = message.replace(/^error: /, '').replace(/\.$/, '')
    const [, option = ''] = /^unknown option '(.{1,40})'$/.exec(text) ?? []
    throw new UsageError(`${text}${didYouMean(option, this.#options()) || `; see ${pathOf(this)} --help`}`)
  }

  #options(): string[] {
    const help = this.createHelp()
    return [...help.visibleOptions(this), ...help.visibleGlobalOptions(this)].flatMap(
      ({ long }) => long ?? [],
    )
  }
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name()
}

/** `addCommands` gets the program, which has the options of all commands. Resolves with the exit code. */
export async function runProgram(
  args: readonly string[],
  { out, env }: Pick<Shell, 'out' | 'env'>,
  addCommands: (program: Command, shell: Shell) => void,
): Promise<number> {
  let code = 0
  let prefix = 'ses-bounce'
  const exit: Shell['exit'] =
    work =>
    async (...given) => {
      // commander gives the command last
      code = await work(given.at(-1) as Command)
    }
  const program = programOf(text => out.line(text.trimEnd())).hook('preSubcommand', (_, command) => {
    prefix = `ses-bounce ${command.name()}`
  })
  addCommands(program, { out, env, exit })
  try {
    await program.parseAsync(args, { from: 'user' })
    return code
  } catch (error) {
    // help or the version was shown
    if (error instanceof CommanderError) return error.exitCode
    if (!(error instanceof UsageError)) throw error
    out.error(escapeControls(`${prefix}: ${error.message}`))
    return 2
  }
}

/** The program with the options of all commands, and no commands yet. */
export function programOf(write: (text: string) => void): Command {
  return new CliCommand('ses-bounce')
    .version(packageVersion(), '-V, --version', 'shows the version')
    .option('--dir <DIR>', 'the Haraka directory, which holds config/ (default: $HARAKA, else this one)')
    .option('--json', 'for programs: JSON')
    .helpOption('-h, --help', 'shows this help')
    .showSuggestionAfterError(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: write })
    .exitOverride()
}

/** One command alone, as its name and `args` would run it. */
export function runCommand(
  name: string,
  describe: Describe,
  args: readonly string[],
  shell: Pick<Shell, 'out' | 'env'>,
): Promise<number> {
  return runProgram([name, ...args], shell, (program, whole) => describe(program.command(name), whole))
}

/** For a command that only has subcommands. `whenNone` is called if none is named; without it that is wrong usage. */
export function asGroup(command: Command, exit: Shell['exit'], whenNone?: () => number): Command {
  const known = () =>
    command
      .createHelp()
      .visibleCommands(command)
      .map(one => one.name())
  const mustBeKnown = () => {
    const [name] = command.args
    if (name === undefined || name.startsWith('-') || known().includes(name)) return
    const whole = [...pathOf(command).split(' ').slice(1), name].join(' ')
    const hint = didYouMean(name.slice(0, 40), known()) || `; there are ${known().join(', ')}`
    throw new UsageError(`unknown command ${JSON.stringify(whole)}${hint}`)
  }
  return (
    command
      .usage('COMMAND [OPTIONS]')
      .helpCommand('help [COMMAND]', 'shows the help of a command')
      // only an unknown subcommand comes here, as commander finds all others itself
      .argument('[COMMAND...]')
      .addHelpText('before', () => {
        mustBeKnown()
        return ''
      })
      .action(
        exit(() => {
          mustBeKnown()
          if (whenNone) return whenNone()
          throw new UsageError(
            `say what to do: ${known()
              .filter(name => name !== 'help')
              .join(', ')}`,
          )
        }),
      )
  )
}

/** The Haraka directory that a command works on. @throws UsageError */
export function harakaDir({ dir }: CommonOptions, env: NodeJS.ProcessEnv): string {
  return directory('--dir', dir ?? (env['HARAKA'] || '.'))
}

/** @throws UsageError */
export function directory(option: string, text: string): string {
  if (text === '') throw new UsageError(`${option} needs a directory`)
  return path.resolve(text)
}

/** Reads the value of an option. */
export function countFromOne(option: string): (text: string) => number {
  return text => {
    const count = parseCount(text)
    if (!count) throw new UsageError(`${option} must be a number from 1 on, not "${text}"`)
    return count
  }
}

/** For an option that may be given again. */
export function each<T>(read: (text: string) => T): (text: string, before?: T[]) => T[] {
  return (text, before = []) => [...before, read(text)]
}

/** Repeated ids count once. */
export function idsOf({ args }: Command): string[] {
  return [...new Set(args)]
}
