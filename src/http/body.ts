// A body of JSON: its type is as said, its bytes are UTF-8, and it can be parsed; else a Fault.

import { isUtf8 } from 'node:buffer'
import { Fault } from './reply'
import type { Request } from './request'

/** RFC 8259: always UTF-8, whatever a parameter may say. */
const JSON_TYPE = /^application\/json[ \t]*(?:;[ \t]*charset[ \t]*=[ \t]*"?utf-8"?[ \t]*)?$/i

/** With the bytes that it came in. @throws Fault */
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
    // the parser's own words quote the body
    throw new Fault(400, 'INVALID_JSON', "the body can't be read as JSON")
  }
}
