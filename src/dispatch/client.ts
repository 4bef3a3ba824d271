// Settings and time limits of all AWS clients. Doesn't load the SDK. Every call ends in time, if need be with an error.

import { proxyHandler } from '../aws-proxy'
import type { Account } from '../config/accounts'

export interface ClientOptions {
  /** '' is AWS, by the SDK's own settings; else a URL that may hold `{region}`. */
  endpoint: string
  timeoutMs: number
  /** Undefined: the SDK's usual chain. */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** Their roles make the calls of their lanes. */
  accounts?: readonly Account[]
}

/** AWS's own endpoints of SES: STS isn't there. */
const OF_AWS = /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws)$/i

/**
 * For clients of STS: the endpoint of [ses] if that is an emulator or another server, as such a server knows both; else ''
 * for the SDK's own settings, which AWS_ENDPOINT_URL_STS can change.
 */
export function stsEndpoint(
  { endpoint, credentials }: Pick<ClientOptions, 'endpoint' | 'credentials'>,
  env: NodeJS.ProcessEnv = process.env,
): string {
  if (credentials !== undefined) return endpoint
  if (env['AWS_ENDPOINT_URL_STS'] || env['AWS_ENDPOINT_URL']) return ''
  const tried = endpoint.replaceAll('{region}', 'us-east-1')
  return URL.canParse(tried) && !OF_AWS.test(new URL(tried).hostname) ? endpoint : ''
}

/** Turns off the SDK's own retries, as the queue spaces and retries calls. */
export function clientConfig(options: ClientOptions, region: string) {
  return {
    region,
    maxAttempts: 1,
    ...(options.endpoint !== '' && { endpoint: options.endpoint.replaceAll('{region}', region) }),
    // a copy, as the SDK adds to them
    ...(options.credentials && { credentials: { ...options.credentials } }),
  }
}

/** Extra time after a timeout, so that an answer that arrived while the process was stopped is read first. */
const GRACE_MS = 100
/** The SDK's own timers would fire before the socket is read. */
const LATER_MS = 60_000

/** The handler of clients whose calls needn't be timed: by the proxy that the environment names, if any. */
export function handlerFor(options: ClientOptions) {
  const { requestHandler } = proxyHandler(options.timeoutMs)
  return { ...requestHandler, ...timeouts(options) }
}

/** For a request handler. The three limit a slow connection, a slow answer, and an answer in small pieces. */
export function timeouts({ timeoutMs }: ClientOptions) {
  return {
    connectionTimeout: timeoutMs + LATER_MS,
    requestTimeout: timeoutMs + LATER_MS,
    socketTimeout: timeoutMs + LATER_MS,
    throwOnRequestTimeout: true,
  }
}

/**
 * The SDK checks its signal and timeouts only after it has credentials, which may hang. When this gives up, the signal
 * is aborted too, so that nothing is sent when credentials come late.
 */
export async function bounded<T>(
  send: (abortSignal: AbortSignal) => Promise<T>,
  timeoutMs: number,
): Promise<T> {
  const abort = new AbortController()
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      // timers run before sockets are read: an answer may have arrived already
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
    // it may reject later, when nothing waits for it
    call.catch(() => undefined)
  }
}
