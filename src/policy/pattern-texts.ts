// The texts about patterns: the forms that each kind of condition accepts, and the meaning of each form.
// Plain data; a test matches each example with its two values.

import { DURATION_FORM, SIZE_FORM } from '../config/values'
import type { Kind } from './patterns'

export const KIND_TEXTS: Readonly<Record<Kind | 'result', string>> = {
  address: 'addresses: user@host, @host, @.host, <>, with * and ?, or regular expressions',
  text: 'text: plain, with * and ?, in quotes, or regular expressions',
  word: 'one of a few fixed words, or any pattern for text',
  ip: 'IP addresses and ranges',
  size: `sizes: ${SIZE_FORM}; with <, <=, =, >= or > before it, or two with ".." between them`,
  duration: `durations: ${DURATION_FORM}; with <, <=, =, >= or > before it, or two with ".." between them`,
  number: 'numbers, with <, <=, =, >= or > before it, or two with ".." between them',
  result: 'numbers and comparisons, or any pattern for text',
}

export interface PatternForm {
  /** The form in general, such as `@host`. */
  name: string
  /** Other names for it. */
  aliases: readonly string[]
  kinds: readonly (Kind | 'result')[]
  meaning: string
  example: string
  /** `matches`: a value that the example matches. The next one isn't matched. */
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
    meaning: 'the whole value; case is ignored',
    example: 'Invoice',
    matches: 'INVOICE',
    not: 'your invoice',
    note: 'A comma ends it: write \\, for one, and \\; for a semicolon after a space.',
  },
  {
    name: '* and ?',
    aliases: ['glob', '*', '?', 'wildcard'],
    kinds: [...TEXTS, 'address'],
    meaning: '* stands for any text, also none; ? for one character',
    example: '*invoice*',
    matches: 'Your invoice of May',
    not: 'Your bill',
    note: 'In an address the local part and the host are matched separately: no-?eply@*.example.',
  },
  {
    name: '"TEXT"',
    aliases: ['quoted', 'quotes', '"'],
    kinds: [...TEXTS, 'address'],
    meaning: 'the same, literally: *, ?, commas and semicolons have no special meaning',
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
    note: 'Matches in linear time, so lookaround and backreferences are not supported. It ends at the closing slash, so commas are safe in it; a slash is written \\/.',
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
    note: 'Changes of the file are read without a restart. A hundred thousand addresses are looked up as fast as ten.',
  },
  {
    name: 'user@host',
    aliases: ['address'],
    kinds: ['address'],
    meaning: 'this address; case, quotes and the spelling of the domain are ignored',
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
    meaning: 'an IP address, or with /BITS a range of them',
    example: '192.0.2.0/24, 2001:db8::1',
    matches: '192.0.2.77',
    not: '198.51.100.7',
  },
  {
    name: '> LIMIT',
    aliases: ['<', '<=', '=', '>=', '>', 'comparison'],
    kinds: [...NUMBERS, 'result'],
    meaning: 'larger than the limit; also <, <=, = and >=; a limit alone means =',
    example: '> 10mb',
    matches: 11 * 1024 ** 2,
    not: 10 * 1024 ** 2,
  },
  {
    name: 'LOW..HIGH',
    aliases: ['..', 'range'],
    kinds: [...NUMBERS, 'result'],
    meaning: 'from the first to the second, both included',
    example: '1mb..5mb',
    matches: 5 * 1024 ** 2,
    not: 6 * 1024 ** 2,
  },
]
