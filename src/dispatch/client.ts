// How every client of AWS is set up here, and how long a call of one may take, whatever it calls.
// Loads nothing of the SDK. A call ends in time, with an error at the latest, whatever hangs.

export interface ClientOptions {
  /** '' is AWS, by the SDK's own settings; else a URL that may hold `{region}`. */
  endpoint: string
  timeoutMs: number
  /** Undefined: the SDK's usual chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string }
}

/** The pace and the retries are the queue's: the SDK's own would break both. */
export function clientConfig(options: ClientOptions, region: string) {
  return {
    region,
    maxAttempts: 1,
    ...(options.endpoint !== '' && { endpoint: options.endpoint.replaceAll('{region}', region) }),
    ...(options.credentials && { credentials: options.credentials }),
  }
}

/** What is read late, since the process stood still, is looked at before anyone gives up. */
const GRACE_MS = 100
/** The SDK's own timers would fire before the socket is read. */
const LATER_MS = 60_000

/** For a request handler. Each of the three alone leaves a hole: a slow connection, a slow answer, a trickle. */
export function timeouts({ timeoutMs }: ClientOptions) {
  return {
    connectionTimeout: timeoutMs + LATER_MS,
    requestTimeout: timeoutMs + LATER_MS,
    socketTimeout: timeoutMs + LATER_MS,
    throwOnRequestTimeout: true,
  }
}

/**
 * The SDK's signal and timeouts are looked at only once it has credentials, which may hang. When this gives up, the
 * signal is aborted too, so that credentials that come late send nothing.
 */
export async function bounded<T>(
  send: (abortSignal: AbortSignal) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // timers come before the network: an answer may be there that hasn't been read
      timer = setTimeout(() => {
        abort.abort()
        reject(new Error(`no answer within ${timeoutMs} ms`))
      }, GRACE_MS)
    }, timeoutMs)
  })
  const call = send(abort.signal)
  try {
    return await Promise.race([call, timeout])
  } finally {
    clearTimeout(timer)
    // it may still reject, when nobody looks any more
    call.catch(() => undefined)
  }
}
