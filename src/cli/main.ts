#!/usr/bin/env node
// `ses-bounce`: finds the command and runs it. A command's file is loaded only when it is asked for.
// Exit codes: 0 fine, 1 a problem found, 2 wrong usage.

import { didYouMean } from '../config/diagnostics'
import { withoutHidden } from '../config/hidden-values'
import { packageVersion } from '../version'
import type { Out } from './out'

type Command = (args: string[], out: Out) => Promise<number>

const COMMANDS: Record<string, { what: string; load: () => Command }> = {
  check: {
    what: 'the configuration: everything that is wrong with it, with file and line',
    load: () => (require('./check') as typeof import('./check')).check,
  },
  explain: {
    what: 'a mail in a file: what would become of it, and why',
    load: () => (require('./explain') as typeof import('./explain')).explain,
  },
  test: {
    what: "the policy's own test cases",
    load: () => (require('./test') as typeof import('./test')).test,
  },
  queue: {
    what: 'the bounces that wait and those that were made: see them, and change them by hand',
    load: () => (require('./queue') as typeof import('./queue')).queue,
  },
  quarantine: {
    what: 'the mail that policy kept back: see it, delete it, or hand it back past the rules',
    load: () => (require('./quarantine') as typeof import('./quarantine')).quarantine,
  },
  dispatch: {
    what: 'the dispatcher alone, for containers: sends what waits in the queue',
    load: () => (require('./dispatch') as typeof import('./dispatch')).dispatchAlone,
  },
  'local-ses': {
    what: 'the SES stand-in: a local server that takes SendBounce calls',
    load: () => (require('./local-ses') as typeof import('./local-ses')).localSes,
  },
}

/** They belong to the product, and aren't built yet. */
const LATER_COMMANDS = ['relay']

/** How long a command that has said all may stay. */
const LINGER_MS = 1000

/** `args` without node and the script. */
export async function main(args: string[], to: Out): Promise<number> {
  const out: Out = {
    line: text => to.line(withoutHidden(text)),
    error: text => to.error(withoutHidden(text)),
  }
  const { before, behind } = optionsBefore(args)
  const [name = 'help', ...rest] = [...behind, ...before]
  if (['help', '--help', '-h'].includes(name)) {
    out.line(usage())
    return args.length === 0 ? 2 : 0
  }
  if (name === '--version') {
    out.line(packageVersion())
    return 0
  }
  if (LATER_COMMANDS.includes(name)) {
    out.error(`ses-bounce: the command ${JSON.stringify(name)} is not available yet`)
    return 2
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command) return command.load()(rest, out)
  const known = [...Object.keys(COMMANDS), 'help']
  out.error(`ses-bounce: unknown command ${JSON.stringify(name)}${didYouMean(name.slice(0, 40), known)}`)
  return 2
}

/** `--dir DIR` and `--json` may stand before the command too. */
function optionsBefore(args: readonly string[]): { before: string[]; behind: string[] } {
  let count = 0
  for (let first = args[0]; first !== undefined; first = args[count]) {
    if (first === '--json' || first.startsWith('--dir=')) count += 1
    else if (first === '--dir') count += 2
    else break
  }
  return { before: args.slice(0, count), behind: args.slice(count) }
}

function usage(): string {
  const commands = Object.entries(COMMANDS).map(([name, { what }]) => `  ${name.padEnd(12)} ${what}`)
  return [
    'Usage: ses-bounce COMMAND [OPTIONS]',
    '',
    ...commands,
    '  help         this text; COMMAND --help: its options',
    '  --version',
    '',
    '  --dir DIR and --json may stand before the command too.',
  ].join('\n')
}

async function run(): Promise<void> {
  // `| head` has read enough: there is nobody left to tell
  process.stdout.on('error', error => process.exit('code' in error && error.code === 'EPIPE' ? 1 : 2))
  process.exitCode = await main(process.argv.slice(2), {
    line: text => process.stdout.write(`${text}\n`),
    error: text => process.stderr.write(`${text}\n`),
  })
  // what still hangs, as a program that should give AWS credentials, keeps nobody waiting
  setTimeout(() => process.exit(), LINGER_MS).unref()
}

if (require.main === module) void run()
