#!/usr/bin/env node
// `ses-bounce`: finds the command and runs it. A command's file is loaded only when it is used.
// Exit codes: 0 fine, 1 a problem found, 2 wrong usage.

import { silenceNodeVersionWarning } from '../aws-sdk'
import { withoutHidden } from '../config/hidden-values'
import { asGroup, type CommandTable, type Describe, runProgram, type Shell } from './command-line'
import type { Out } from './out'

export const COMMANDS: CommandTable = {
  check: {
    summary: 'shows every error of the configuration, with file and line',
    load: () => (require('./check') as typeof import('./check')).describeCheck,
  },
  explain: {
    summary: 'explains the decision about a mail in a file',
    load: () => (require('./explain') as typeof import('./explain')).describeExplain,
  },
  test: {
    summary: "runs the policy's own test cases",
    load: () => (require('./test') as typeof import('./test')).describeTest,
  },
  sample: {
    summary: 'makes a mail as SES hands it on, to try rules with, and can send it',
    load: () => (require('./sample') as typeof import('./sample')).describeSample,
  },
  queue: {
    summary: 'shows the bounces in the queue, and changes them by hand',
    load: () => (require('./queue') as typeof import('./queue')).describeQueue,
  },
  quarantine: {
    summary: 'shows, deletes and releases the mail in the quarantine',
    load: () => (require('./quarantine') as typeof import('./quarantine')).describeQuarantine,
  },
  refusals: {
    summary: 'shows plugins that refuse most recipients, and lets their refusals count again',
    load: () => (require('./refusals') as typeof import('./refusals')).describeRefusals,
  },
  dispatch: {
    summary: 'runs the dispatcher alone, for containers',
    load: () => (require('./dispatch') as typeof import('./dispatch')).describeDispatch,
  },
  relay: {
    summary: 'hands mail that SES stored in S3 to Haraka',
    load: () => (require('./relay') as typeof import('./relay')).describeRelay,
  },
  'local-ses': {
    summary: 'runs the SES emulator, a local server that accepts SendBounce calls',
    load: () => (require('./local-ses') as typeof import('./local-ses')).describeLocalSes,
  },
  completion: {
    summary: 'writes a script with which bash, zsh or fish completes commands and options',
    load: () => (require('./completion') as typeof import('./completion')).describeCompletion(() => COMMANDS),
  },
}

/** The longest time that open handles may keep a finished command running. */
const LINGER_MS = 1000

/** `args` without node and the script. */
export function main(
  args: readonly string[],
  to: Out,
  env: NodeJS.ProcessEnv = process.env,
): Promise<number> {
  const out: Out = {
    line: text => to.line(withoutHidden(text)),
    error: text => to.error(withoutHidden(text)),
  }
  return runProgram(args, { out, env }, (program, shell) => {
    asGroup(program, shell.exit, () => {
      program.outputHelp()
      return 2
    })
    program.helpCommand(false).hook('preSubcommand', (_, command) => {
      COMMANDS[command.name()]?.load()(command, shell)
    })
    for (const [name, { summary }] of Object.entries(COMMANDS)) program.command(name).summary(summary)
    addHelp(program, shell)
  })
}

/** Commander's own would show the help of a command that isn't loaded. */
function addHelp(program: Parameters<Describe>[0], { out, env, exit }: Shell): void {
  program
    .command('help [COMMAND...]')
    .summary('shows the help of a command')
    .helpOption(false)
    .action(exit(({ args }) => main([...args, '--help'], out, env)))
}

async function run(): Promise<void> {
  silenceNodeVersionWarning()
  // the reader of the output, such as `| head`, has ended
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 1 : 2))
  process.exitCode = await main(process.argv.slice(2), {
    line: text => process.stdout.write(`${text}\n`),
    error: text => process.stderr.write(`${text}\n`),
  })
  // a program that should give AWS credentials may hang, and must not keep the user waiting
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

if (require.main === module) void run()
