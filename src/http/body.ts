// Reads a body of JSON. Throws a Fault for another type, for bytes that aren't UTF-8, and for invalid JSON.

import { isUtf8 } from 'node:buffer'
import { Fault } from './reply'
import type { Request } from './request'

/** RFC 8259: JSON is always UTF-8. */
const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?$/i

/** Returns the value and its bytes. @throws Fault */
export async function jsonBody({ headers, body }: Request): Promise<{ value: unknown; bytes: Buffer }> {
  if (!JSON_TYPE.test(headers['content-type'] ?? ''))
    throw new Fault(415, 'UNSUPPORTED_MEDIA_TYPE', 'the header "Content-Type: application/json" is missing')
  const encoding = headers['content-encoding'] ?? 'identity'
  if (encoding.toLowerCase() !== 'identity')
    throw new Fault(415, 'UNSUPPORTED_MEDIA_TYPE', 'the body must not be compressed')
  const bytes = await body()
  if (!isUtf8(bytes)) throw new Fault(400, 'INVALID_JSON', "the body isn't UTF-8")
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    return { value, bytes }
  } catch {
    // the parser's own message would quote the body
    throw new Fault(400, 'INVALID_JSON', "the body can't be read as JSON")
  }
}
