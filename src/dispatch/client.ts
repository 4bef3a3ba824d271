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

/** For a request handler. Each of the three alone leaves a hole: a slow connection, a slow answer, a trickle. */
export function timeouts({ timeoutMs }: ClientOptions) {
  return {
    connectionTimeout: timeoutMs,
    requestTimeout: timeoutMs,
    socketTimeout: timeoutMs,
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
      abort.abort()
      reject(new Error(`no answer within ${timeoutMs} ms`))
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
