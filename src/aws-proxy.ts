// The agent for calls to AWS where HTTPS_PROXY (or https_proxy, ALL_PROXY) names a proxy. The AWS SDK doesn't read these
// variables by itself. NO_PROXY counts for each host. Plain http, as of an emulator, never goes by a proxy.
// The packages are loaded only where a proxy is set.

import type { ClientRequest } from 'node:http'
import { isIP, type Socket } from 'node:net'
import tls from 'node:tls'
import type { HttpsProxyAgent } from 'https-proxy-agent'

type ConnectOptions = Parameters<HttpsProxyAgent<string>['connect']>[1]

/** To CONNECT: RFC 9110 section 9.3.6. */
interface ProxyAnswer {
  statusCode: number
  statusText: string
}

const VARIABLES = ['https_proxy', 'HTTPS_PROXY', 'all_proxy', 'ALL_PROXY'] as const

/** The first variable that is set, in the order of proxy-from-env. */
export function proxyVariable(env: NodeJS.ProcessEnv = process.env): (typeof VARIABLES)[number] | undefined {
  return VARIABLES.find(name => env[name])
}

/** The proxy's URL without its login. Undefined: there is none, or the value isn't a URL. */
export function proxyText(env: NodeJS.ProcessEnv = process.env): string | undefined {
  const url = proxyUrl(env)
  return url === undefined ? undefined : `${url.protocol}//${url.host}`
}

/** A value without a scheme means a proxy over http, as in curl(1). */
function proxyUrl(env: NodeJS.ProcessEnv): URL | undefined {
  const name = proxyVariable(env)
  const text = name === undefined ? '' : (env[name] ?? '').trim()
  const url = text.includes('://') ? text : `http://${text}`
  const isUsable = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
  return text !== '' && isUsable ? new URL(url) : undefined
}

/** The time for a proxy's answer where no setting limits a call. */
export const PROXY_MS = 10_000

export interface ProxyAgentOptions {
  keepAlive?: boolean
  /** The time for the proxy's answer to CONNECT: it may accept a connection and never answer. */
  connectMs: number
}

/** Undefined: no proxy is set. Where the variable holds no URL of a proxy, each connection fails with that reason. */
export function proxyAgent(options: ProxyAgentOptions): HttpsProxyAgent<string> | undefined {
  const name = proxyVariable()
  if (name === undefined) return undefined
  return makeAgent(proxyUrl(process.env) ?? new Error(proxyFault(name)), options)
}

/** The value may hold a login, and isn't shown. */
export function proxyFault(name: string): string {
  return `${name} must be the URL of an http or https proxy, such as http://proxy.example.com:3128`
}

/** An option for clients of the SDK whose calls needn't be timed. */
export function proxyHandler(connectMs: number): {
  requestHandler?: { httpsAgent: HttpsProxyAgent<string> }
} {
  const httpsAgent = proxyAgent({ keepAlive: true, connectMs })
  return httpsAgent === undefined ? {} : { requestHandler: { httpsAgent } }
}

function makeAgent(
  proxy: URL | Error,
  { keepAlive = false, connectMs }: ProxyAgentOptions,
): HttpsProxyAgent<string> {
  const { HttpsProxyAgent: Agent } = require('https-proxy-agent') as typeof import('https-proxy-agent')
  const { getProxyForUrl } = require('proxy-from-env') as { getProxyForUrl: (url: string) => string }

  class AwsProxyAgent extends Agent<string> {
    readonly #toProxy = this.connectOpts

    override async connect(request: ClientRequest, options: ConnectOptions): Promise<Socket> {
      const host = options.host ?? ''
      const isDirect =
        getProxyForUrl(`https://${isIP(host) === 6 ? `[${host}]` : host}:${options.port}`) === ''
      if (isDirect) return connectDirectly(options, host)
      if (proxy instanceof Error) throw proxy
      const abort = new AbortController()
      const timer = setTimeout(() => {
        abort.abort(new Error(`the proxy didn't answer within ${connectMs} ms`))
      }, connectMs)
      // read before the first pause of `connect`; net.Socket ends with its signal
      this.connectOpts = { ...this.#toProxy, signal: abort.signal }
      let answer: ProxyAnswer | undefined
      request.once('proxyConnect', (given: ProxyAnswer) => {
        answer = given
      })
      try {
        const socket = await super.connect(request, options)
        if (answer === undefined || answer.statusCode === 200) return socket
        // the package would show a refusal as the answer of AWS: its 403 would be one to our credentials
        socket.destroy()
        throw new Error(`the proxy answered ${answer.statusCode} ${answer.statusText.slice(0, 100)}`.trim())
      } catch (error) {
        throw abort.signal.aborted ? (abort.signal.reason as Error) : error
      } finally {
        clearTimeout(timer)
      }
    }
  }
  return new AwsProxyAgent(proxy instanceof Error ? 'http://unusable.invalid' : proxy.href, { keepAlive })
}

function connectDirectly(options: ConnectOptions, host: string): Socket {
  return tls.connect({ ...(options as tls.ConnectionOptions), ...(isIP(host) === 0 && { servername: host }) })
}
