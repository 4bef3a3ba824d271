// Faults of regular expressions for the administrator: the library's reasons in our words.
// An unknown reason is shown in the library's words.

/** RE2's reasons: google/re2, re2/re2.h, ErrorCode; the texts are Go's (regexp/syntax). */
const REASONS: Readonly<Record<string, string>> = {
  'invalid character class range': 'there is no such range or class of characters',
  'invalid escape sequence': 'there is no such escape',
  'invalid named capture': 'the name of the group is faulty',
  'invalid or unsupported Perl syntax': 'there is no such group',
  'invalid nested repetition operator': 'two repetition operators follow each other',
  'invalid repeat count':
    'a repeat count is at most 1000, nested ones multiplied, and the lower number comes first',
  'missing closing ]': 'the closing ] is missing',
  'missing closing )': 'a closing ) is missing',
  'unexpected )': 'a ) has no ( before it',
  'missing argument to repetition operator': 'there is nothing to repeat before it',
  'trailing backslash at end of expression': 'it ends with a backslash',
  'duplicate capture group name': 'two groups have the same name',
  'expression nests too deeply': 'it nests too deeply',
  'expression too large': 'it is too large',
}

/** `part`: the faulty part of the expression. */
export function faultOfRegex(source: string, reason: string, part: string | null): string {
  const where = part === null || part === '' || part === source ? '' : ` at "${part}"`
  return `/${source}/ can't be used: ${unsupported(part ?? '') ?? REASONS[reason] ?? reason}${where}`
}

/** The fault of a feature that other dialects have but no linear-time engine. Undefined: it isn't one. */
function unsupported(part: string): string | undefined {
  if (/^\(\?<?[=!]/.test(part)) return 'lookahead and lookbehind are not supported, as they can take forever'
  if (/^\\(?:[1-9]|k)/.test(part)) return 'backreferences are not supported, as they can take forever'
  return undefined
}
