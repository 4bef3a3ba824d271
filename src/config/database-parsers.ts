// Parsers of [queue] for a PostgreSQL database: where it is, the login, the schema, this host's name.
// No fault shows a password, nor a URL that holds one.

import path from 'node:path'
import { domainToASCII } from 'node:url'
import { orEmpty, quoted, unknownValue, type ValueParser, whole } from './value-parsers'

export interface DatabaseUrl {
  /** A name or an address, IPv6 without brackets. */
  host: string
  port: number
  user: string
  database: string
}

const PORT = 5432

/** Empty: none. */
export const databaseUrl: ValueParser<DatabaseUrl | undefined> = orEmpty(
  undefined,
  whole('postgres://USER@HOST:5432/DATABASE', (text, key) => {
    if (/^[^/]*\/\/[^/]*:[^/]*@/.test(text))
      return { fault: `${key} must not hold a password; password has a line of its own: ${databaseUrl.form}` }
    if (/[?#]/.test(text))
      return { fault: `${key} must not hold options; other keys of [queue] have them: ${databaseUrl.form}` }
    const url = partsOf(text)
    return url === undefined ? unknownValue(text, key, databaseUrl.form) : { value: url }
  }),
)

/** Not by the class URL, which reads much else as a URL, too. */
function partsOf(text: string): DatabaseUrl | undefined {
  const form = /^postgres(?:ql)?:\/\/([^@/:\s]+)@(\[[\da-f:.]+\]|[^@/:,[\]\s]+)(?::(\d{1,5}))?\/([^/\s]+)$/i
  const [whole, user = '', name = '', port = String(PORT), database = ''] = form.exec(text) ?? []
  const host = name.startsWith('[') ? name.slice(1, -1) : domainToASCII(name)
  if (whole === undefined || host === '' || Number(port) < 1 || Number(port) > 65_535) return undefined
  try {
    const [ofUser, ofDatabase] = [user, database].map(decodeURIComponent)
    if (!ofUser || !ofDatabase || /\p{Cc}/u.test(ofUser + ofDatabase)) return undefined
    return { host, port: Number(port), user: ofUser, database: ofDatabase }
  } catch {
    // a percent sign without its digits
    return undefined
  }
}

const FILE = 'file:'
const AWS_IAM = 'aws-iam'

/** The password itself, `file:PATH`, or `aws-iam`. Empty: none. */
export const databasePassword: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole(`env:NAME, file:/PATH or ${AWS_IAM}`, (text, key) => {
    if (!text.startsWith(FILE)) return { value: text.toLowerCase() === AWS_IAM ? AWS_IAM : text }
    const file = text.slice(FILE.length)
    return path.isAbsolute(file) && !/\p{Cc}/u.test(file)
      ? { value: text }
      : { fault: `${quoted(text)} for ${key} names no file; ${databasePassword.form}` }
  }),
)

/** True: the value isn't secret itself. */
export function isPasswordSource(text: string): boolean {
  return text === '' || text.startsWith('env:') || text.startsWith(FILE) || text.toLowerCase() === AWS_IAM
}

/** A file of certificates in Haraka's config directory. Empty: none. */
export const certificateFile: ValueParser<string | undefined> = orEmpty(
  undefined,
  whole('the name of a file in config/, with certificates in PEM', (text, key) => {
    const isInside = !path.isAbsolute(text) && !text.split(/[/\\]/).includes('..')
    return isInside && !/\p{Cc}/u.test(text) ? { value: text } : unknownValue(text, key, certificateFile.form)
  }),
)

/** PostgreSQL, "Identifiers and Key Words": 63 bytes. Names that begin with pg_ are the server's. */
export const schemaName: ValueParser<string> = whole(
  'small letters, digits and _, at most 63, a letter first, and not pg_',
  (text, key) =>
    /^(?!pg_)[a-z][a-z0-9_]{0,62}$/.test(text) ? { value: text } : unknownValue(text, key, schemaName.form),
)

/** The name of this machine in a template. */
export const MACHINE_NAME = '{hostname}'

export const hostName: ValueParser<string> = whole(
  `letters, digits, dots and hyphens, at most 64; ${MACHINE_NAME} is the machine's name`,
  (text, key) => {
    const tried = text.replaceAll(MACHINE_NAME, 'host')
    return /^[A-Za-z0-9._-]{1,64}$/.test(tried) ? { value: text } : unknownValue(text, key, hostName.form)
  },
)
