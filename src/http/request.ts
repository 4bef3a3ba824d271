// A request as handlers see it, and its body, which is read when it is asked for.
// A body that is too large, too slow or cut off is a Fault; nothing is read beyond the limit.

import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { Fault } from './reply'

export interface Request {
  method: string
  /** Below /ses-bounce, as it came: `/v1/bounces`. */
  path: string
  query: URLSearchParams
  headers: IncomingHttpHeaders
  /** What stands in the path where the route has `:name`. */
  params: Readonly<Record<string, string>>
  /** Whether it has the bearer token. */
  isAuthorised: boolean
  /** For a token that came in another way; resolves when it may be answered. */
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
    // who has said how much it is needs no more of it read
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
      // what still comes is thrown away, and what breaks of it is nobody's any more
      message.on('error', () => undefined).resume()
      settle()
    }
    if (message.readableEnded || message.destroyed) onClose()
    else message.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose)
  })
}
