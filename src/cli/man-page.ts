// Writes the man page (man(7)) from the description of the commands. A test compares docs/ses-bounce.1 with it.

import { allCommands, type CommandInfo } from './command-tree'

export function manPage(tree: CommandInfo, version: string): string {
  const commands = allCommands(tree).filter(({ path, commands: below }) => path !== '' && below.length === 0)
  const lines = [
    `.TH SES\\-BOUNCE 1 "" ${quoted(`ses-bounce ${version}`)} "haraka\\-plugin\\-ses\\-bounce"`,
    '.SH NAME',
    'ses\\-bounce \\- checks, explains and operates the bounces that Haraka sends through Amazon SES',
    '.SH SYNOPSIS',
    '.B ses\\-bounce',
    '.RI [ OPTIONS ] \\ COMMAND \\ [ OPTIONS ]',
    '.SH DESCRIPTION',
    text(
      'The command line of haraka-plugin-ses-bounce. It works on a Haraka directory, with the configuration and the queue that are there, and changes a running Haraka only through the queue.',
    ),
    '.SH COMMANDS',
    ...commands.flatMap(({ path, usage, summary, options }) => [
      '.TP',
      `.BR ${quoted(path)} ${usage === '' ? '' : quoted(` ${usage}`)}`.trimEnd(),
      text(summary),
      ...options.filter(({ long }) => long !== '--help').flatMap(option),
    ]),
    '.SH OPTIONS',
    text('Of every command; they may also stand before it.'),
    ...tree.options.flatMap(({ flags, meaning }) => ['.TP', `.B ${quoted(flags)}`, text(meaning)]),
    '.SH EXIT STATUS',
    text('0: fine. 1: a problem was found. 2: wrong usage.'),
    '.SH ENVIRONMENT',
    '.TP',
    '.B HARAKA',
    text('The Haraka directory, if --dir does not name it.'),
    '.SH FILES',
    ...FILES.flatMap(([file, meaning]) => ['.TP', `.I ${escaped(file)}`, text(meaning)]),
    '.SH SEE ALSO',
    text('The folder docs of the package: reference.md has every setting, condition and key of a rule.'),
  ]
  return `${lines.join('\n')}\n`
}

const FILES = [
  ['config/ses-bounce.ini', 'the settings'],
  ['config/ses-bounce-rules.ini', 'the rules'],
  ['ses-bounce/queue.sqlite', 'the queue, unless it is in PostgreSQL'],
  ['ses-bounce/kept/', 'mail that waits until SES has made its bounces'],
  ['ses-bounce/quarantine/', 'mail that was kept back'],
] as const

function option({ flags, meaning }: CommandInfo['options'][number]): string[] {
  return ['.RS', '.TP', `.B ${quoted(flags)}`, text(meaning), '.RE']
}

/** An argument of a macro. */
function quoted(value: string): string {
  return `"${escaped(value).replaceAll('"', '\\(dq')}"`
}

/** A line of text never begins with a dot or a quote, which would be a request. */
function text(value: string): string {
  const line = escaped(value.replace(/\s+/g, ' '))
  return /^[.']/.test(line) ? `\\&${line}` : line
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\e').replaceAll('-', '\\-')
}
