// A request for handlers, and its body, which is read when a handler needs it.
// A body that is too large, too slow or cut off gives a Fault. Nothing is read beyond the limit.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import type { HttpToken } from '../config/http-tokens'
import { Fault } from './reply'

export interface Request {
  method: string
  /** The path below /ses-bounce, not decoded: `/v1/bounces`. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** The decoded segments for the `:name` parts of the route. */
  params: Readonly<Record<string, string>>
  /** The token in its header. Undefined: none, or a wrong one. */
  token: HttpToken | undefined
  /** Call it for a wrong token in a form. Resolves when the answer may be sent. */
  tokenWasWrong: () => Promise<void>
  body: () => Promise<Buffer>
}

/** The largest submission, with fifty recipients whose texts are as long as may be, is a fifth of it. */
export const BODY_BYTES = 256 * 1024
const BODY_MS = 10_000

/** @throws Fault */
export function readBody(
  message: IncomingMessage,
  { limitBytes = BODY_BYTES, timeoutMs = BODY_MS } = {},
): Promise<Buffer> {
  const tooLarge = () => new Fault(413, 'PAYLOAD_TOO_LARGE', `the body is larger than ${limitBytes} bytes`)
  return new Promise((resolve, reject) => {
    // a body with a too large Content-Length isn't read
    if (Number(message.headers['content-length'] ?? 0) > limitBytes) {
      reject(tooLarge())
      return
    }
    const chunks: Buffer[] = []
    let bytes = 0
    const timer = setTimeout(() => {
      end(() =>
        reject(
          new Fault(408, 'REQUEST_TIMEOUT', `the body didn't come within ${timeoutMs / 1000} s`, {
            headers: { Connection: 'close' },
          }),
        ),
      )
    }, timeoutMs)
    const onData = (chunk: Buffer) => {
      bytes += chunk.length
      chunks.push(chunk)
      if (bytes > limitBytes) end(() => reject(tooLarge()))
    }
    const onEnd = () => end(() => resolve(Buffer.concat(chunks)))
    const onClose = () =>
      end(() => reject(new Fault(400, 'INVALID_JSON', 'the connection ended before the body did')))
    const end = (settle: () => void) => {
      clearTimeout(timer)
      message.off('data', onData).off('end', onEnd).off('close', onClose).off('error', onClose)
      // discards the rest of the body, and ignores its errors
      message.on('error', () => undefined).resume()
      settle()
    }
    if (message.readableEnded || message.destroyed) onClose()
    else message.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}
