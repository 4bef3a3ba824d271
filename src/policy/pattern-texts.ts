// The table of patterns, for people: what each kind of condition takes, and what each form of pattern stands for.
// Plain data; a test fails when an example of a form doesn't match what is said here that it matches.

import { DURATION_FORM, SIZE_FORM } from '../config/values'
import type { Kind } from './patterns'

export const KIND_TEXTS: Readonly<Record<Kind | 'result', string>> = {
  address: 'addresses: user@host, @host, @.host, <>, with * and ?, or regular expressions',
  text: 'text: plain, with * and ?, in quotes, or regular expressions',
  word: 'one of a few fixed words, or whatever a text takes',
  ip: 'IP addresses and ranges',
  size: `sizes: ${SIZE_FORM}; with <, <=, =, >= or > before it, or two with ".." between them`,
  duration: `durations: ${DURATION_FORM}; with <, <=, =, >= or > before it, or two with ".." between them`,
  number: 'numbers, with <, <=, =, >= or > before it, or two with ".." between them',
  result: 'numbers and comparisons, or whatever a text takes',
}

export interface PatternForm {
  /** How it is written, in general. */
  name: string
  /** What else it is called. */
  aliases: readonly string[]
  kinds: readonly (Kind | 'result')[]
  meaning: string
  example: string
  /** A value that the example matches, and one that it doesn't. */
  matches: string | number
  not: string | number
  note?: string
}

const TEXTS = ['text', 'word', 'result'] as const
const NUMBERS = ['size', 'duration', 'number'] as const

export const PATTERN_FORMS: readonly PatternForm[] = [
  {
    name: 'TEXT',
    aliases: ['plain', 'text'],
    kinds: TEXTS,
    meaning: 'the whole value, whatever the case of its letters',
    example: 'Invoice',
    matches: 'INVOICE',
    not: 'your invoice',
    note: 'A comma ends it: write \\, for one, and \\; for a semicolon behind a space.',
  },
  {
    name: '* and ?',
    aliases: ['glob', '*', '?', 'wildcard'],
    kinds: [...TEXTS, 'address'],
    meaning: '* stands for any text, also none; ? for one character',
    example: '*invoice*',
    matches: 'Your invoice of May',
    not: 'Your bill',
    note: 'In an address the part before the @ and the host are looked at one by one: no-?eply@*.example.',
  },
  {
    name: '"TEXT"',
    aliases: ['quoted', 'quotes', '"'],
    kinds: [...TEXTS, 'address'],
    meaning: 'the same as it stands: *, ?, commas and semicolons are nothing but themselves',
    example: '"What now? *"',
    matches: 'what now? *',
    not: 'what now, Joe',
    note: 'A quote within is written \\", a backslash \\\\.',
  },
  {
    name: '/REGEX/',
    aliases: ['regex', 'regexp', 'regular expression', '//', '/'],
    kinds: [...TEXTS, 'address'],
    meaning: 'a regular expression, found anywhere in the value; ignores case',
    example: '/final (notice|reminder)/',
    matches: 'Your FINAL notice!',
    not: 'final, a reminder',
    note: 'In linear time, so without lookaround and backreferences. It runs to its closing slash: commas are safe in it, and a slash is written \\/.',
  },
  {
    name: '/REGEX/c',
    aliases: ['case'],
    kinds: TEXTS,
    meaning: 'the same, but case counts',
    example: '/^RE-?FUND/c',
    matches: 'RE-FUND now',
    not: 'refund',
  },
  {
    name: 'file:NAME',
    aliases: ['file:', 'file', 'list'],
    kinds: [...TEXTS, 'address', 'ip', ...NUMBERS],
    meaning: 'the patterns in config/NAME, one a line; lines that begin with # or ; are comments',
    example: 'file:mailboxes',
    matches: 'anna@example.com',
    not: 'nobody@example.com',
    note: 'Changes of the file are taken up without a restart. A hundred thousand addresses are looked up as fast as ten.',
  },
  {
    name: 'user@host',
    aliases: ['address'],
    kinds: ['address'],
    meaning: 'this address, whatever its case, quotes and spelling of the domain',
    example: 'anna@bücher.example',
    matches: '"Anna"@xn--bcher-kva.example',
    not: 'anna@example.com',
    note: 'In recipient and envelope.recipient it also matches anna+shop@bücher.example ([relay] label_separator), as do globs; a pattern with a label matches that label only.',
  },
  {
    name: '@host',
    aliases: [],
    kinds: ['address'],
    meaning: 'every address at this host',
    example: '@example.com',
    matches: 'anna@example.com',
    not: 'anna@mail.example.com',
  },
  {
    name: '@.host',
    aliases: ['subdomains'],
    kinds: ['address'],
    meaning: 'every address at this host and at its subdomains',
    example: '@.example.com',
    matches: 'anna@mail.example.com',
    not: 'anna@badexample.com',
  },
  {
    name: '<>',
    aliases: [],
    kinds: ['address'],
    meaning: 'the null sender: of bounces and other reports',
    example: '<>',
    matches: '',
    not: 'mailer-daemon@example.com',
  },
  {
    name: 'ADDRESS/BITS',
    aliases: ['ip', 'cidr', 'range of addresses'],
    kinds: ['ip'],
    meaning: 'an IP address; with /BITS all that begin with so many bits of it',
    example: '192.0.2.0/24, 2001:db8::1',
    matches: '192.0.2.77',
    not: '198.51.100.7',
  },
  {
    name: '> LIMIT',
    aliases: ['<', '<=', '=', '>=', '>', 'comparison'],
    kinds: [...NUMBERS, 'result'],
    meaning: 'larger than the limit; <, <=, = and >= likewise, and a limit alone is =',
    example: '> 10mb',
    matches: 11 * 1024 ** 2,
    not: 10 * 1024 ** 2,
  },
  {
    name: 'LOW..HIGH',
    aliases: ['..', 'range'],
    kinds: [...NUMBERS, 'result'],
    meaning: 'from the one to the other, both of them allowed',
    example: '1mb..5mb',
    matches: 5 * 1024 ** 2,
    not: 6 * 1024 ** 2,
  },
]
