// What is wrong with a regular expression, for the administrator: the library's reasons in our words.
// A reason that isn't known here is passed on as the library gave it.

/** RE2's reasons: google/re2, re2/re2.h, ErrorCode; the texts are Go's (regexp/syntax). */
const REASONS: Readonly<Record<string, string>> = {
  'invalid character class range': 'there is no such range or class of characters',
  'invalid escape sequence': 'there is no such escape',
  'invalid named capture': 'the name of the group is faulty',
  'invalid or unsupported Perl syntax': 'there is no such group',
  'invalid nested repetition operator': 'two repetitions stand one behind the other',
  'invalid repeat count': 'the most is 1000 times, nested ones multiplied, and the lower number comes first',
  'missing closing ]': 'the closing ] is missing',
  'missing closing )': 'a closing ) is missing',
  'unexpected )': 'a ) has no ( before it',
  'missing argument to repetition operator': 'there is nothing to repeat before it',
  'trailing backslash at end of expression': 'there is nothing behind the last backslash',
  'duplicate capture group name': 'two groups have the same name',
  'expression nests too deeply': 'it nests too deeply',
  'expression too large': 'it is too large',
}

/** `part`: where in the expression it is. */
export function faultOfRegex(source: string, reason: string, part: string | null): string {
  const where = part === null || part === '' || part === source ? '' : ` at "${part}"`
  return `/${source}/ can't be used: ${unsupported(part ?? '') ?? REASONS[reason] ?? reason}${where}`
}

/** What other dialects have, and no engine that runs in linear time. */
function unsupported(part: string): string | undefined {
  if (/^\(\?<?[=!]/.test(part)) return 'it may not look ahead or behind, which can take for ever'
  if (/^\\(?:[1-9]|k)/.test(part)) return 'it may not refer back to a group, which can take for ever'
  return undefined
}
