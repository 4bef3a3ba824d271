// The SES emulator: a server on loopback that accepts SendBounce calls as strictly as SES, sends nothing, and keeps a
// record. It also answers for identities and quotas, and as STS for credentials and roles.
// Every request without an injected fault gets an answer in AWS's form.

import { randomBytes, randomUUID } from 'node:crypto'
import { EventEmitter } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { type Caller, callerIdentityXml, OWN_ACCOUNT } from './account'
import { Accounts } from './accounts'
import { answerOf, outcomeOf, type Result } from './answer'
import { assumeRoleXml } from './assume-role'
import type { Call } from './call'
import { type Fault, type FaultPlan, Faults, isCarriedOut } from './faults'
import { verificationXml } from './identities'
import { EMULATOR_CREDENTIALS, type SesEmulator, type SesEmulatorOptions } from './options'
import { sendingEnabledXml, sendQuotaXml } from './quota'
import { describe, type Received, readCall, readHeaders } from './request'
import type { KnownMessage } from './ses'
import { Sessions } from './sessions'
import { claimedKey, type Expected, type KnownKey } from './signature'
import { sendBounceXml } from './xml'

export type { Call, Outcome } from './call'
export type { Fault, FaultPlan, FaultSubject } from './faults'
export {
  EMULATOR_CREDENTIALS,
  type EmulatorAccount,
  type SesEmulator,
  type SesEmulatorOptions,
} from './options'
export type { KnownMessage } from './ses'
export type { Credentials } from './signature'

/** Rejects if it can't listen on the port (with the error of node:net). */
export async function startSesEmulator(options: SesEmulatorOptions = {}): Promise<SesEmulator> {
  const emulator = new Emulator(options)
  await emulator.listen()
  return emulator
}

// Our own limit: a call for one mail has a few kilobytes.
const LARGEST_BODY_BYTES = 1024 * 1024
const SLOWEST_REQUEST_MS = 30_000
const KEEP_ALIVE_MS = 60_000

const hrtimeMs = () => Number(process.hrtime.bigint()) / 1e6

class Emulator extends EventEmitter<{ call: [Call] }> implements SesEmulator {
  readonly calls: Call[] = []
  readonly #options: SesEmulatorOptions
  readonly #accounts: Accounts
  readonly #sessions: Sessions
  readonly #faults: Faults
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #closing = new AbortController()

  constructor(options: SesEmulatorOptions) {
    super()
    this.#options = options
    this.#accounts = new Accounts(options)
    this.#sessions = new Sessions(options.accounts ?? 'any', options.sessionMs)
    this.#faults = new Faults(options.faults ?? [])
    this.#server = createServer((request, response) => this.#take(request, response))
    this.#server.requestTimeout = SLOWEST_REQUEST_MS
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS
    this.#delayHandshakes(options.handshakeDelayMs ?? 0)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0
  }

  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${this.port}`
  }

  async listen(): Promise<void> {
    const { port = 0, host = '127.0.0.1', onCall } = this.#options
    if (onCall) this.on('call', onCall)
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ port, host }, () => {
        this.#server.off('error', reject)
        resolve()
      })
    })
  }

  addMessage(message: KnownMessage): void {
    this.#accounts.addMessage(message)
  }

  addIdentity(identity: string, account = OWN_ACCOUNT): void {
    this.#accounts.of(account).addIdentity(identity)
  }

  endSessions(account?: string): void {
    this.#sessions.end(account)
  }

  setFaults(faults: FaultPlan): void {
    this.#faults.set(faults)
  }

  async close(): Promise<void> {
    this.#closing.abort()
    const closed = new Promise<void>(resolve => this.#server.close(() => resolve()))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }

  /** Node's own listener, which begins to read a connection, gets it after the delay. */
  #delayHandshakes(delayMs: number): void {
    const listeners = this.#server.listeners('connection')
    this.#server.removeAllListeners('connection')
    this.#server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket)
      socket.once('close', () => this.#sockets.delete(socket))
      const read = () => {
        for (const listener of listeners) listener.call(this.#server, socket)
      }
      if (delayMs > 0) void this.#readLater(socket, delayMs, read)
      else read()
    })
  }

  async #readLater(socket: Socket, delayMs: number, read: () => void): Promise<void> {
    const ignore = () => undefined
    socket.on('error', ignore)
    await this.#wait(delayMs)
    socket.off('error', ignore)
    if (!socket.destroyed) read()
  }

  /** Resolves early when the server closes. */
  async #wait(delayMs: number): Promise<void> {
    if (delayMs > 0) await delay(delayMs, undefined, { signal: this.#closing.signal }).catch(() => undefined)
  }

  #take(request: IncomingMessage, response: ServerResponse): void {
    const headersAtMs = this.#monotonicMs()
    const chunks: Buffer[] = []
    let sizeBytes = 0
    request.on('data', (chunk: Buffer) => {
      sizeBytes += chunk.length
      // bytes over the limit are read, but not kept
      if (sizeBytes <= LARGEST_BODY_BYTES) chunks.push(chunk)
    })
    request.on('error', () => response.destroy())
    request.on('end', () => {
      const atMs = this.#monotonicMs()
      const body = sizeBytes <= LARGEST_BODY_BYTES ? Buffer.concat(chunks) : undefined
      void this.#answer(this.#decide(request, body, headersAtMs, atMs), response)
    })
  }

  #monotonicMs(): number {
    return (this.#options.monotonicClock ?? hrtimeMs)()
  }

  #nowMs(): number {
    return (this.#options.clock ?? Date.now)()
  }

  #decide(request: IncomingMessage, body: Buffer | undefined, headersAtMs: number, atMs: number): Decided {
    const received = {
      method: request.method ?? '',
      target: request.url ?? '',
      headers: readHeaders(request),
      body,
    }
    const { input, ...claim } = describe(received)
    const key = claimedKey(received.headers)
    const caller = this.#sessions.callerOf(key)
    const account = this.#sessions.key(key ?? '') === undefined ? {} : { account: caller.account }
    const subject = { number: this.calls.length + 1, ...claim, ...account }
    const fault = this.#faults.next(subject)
    const result = fault === undefined || isCarriedOut(fault) ? this.#handle(received, atMs) : undefined
    const outcome = outcomeOf(fault, subject, caller, result)
    const call: Call = { ...subject, headersAtMs, atMs, ...(input && { input }), outcome }
    this.calls.push(call)
    this.emit('call', call)
    return { call, caller, fault, result }
  }

  #known(): Expected['known'] {
    const { credentials = [EMULATOR_CREDENTIALS] } = this.#options
    if (credentials === 'any') return 'any'
    const own = new Map<string, KnownKey>(credentials.map(one => [one.accessKeyId, one]))
    return accessKeyId => own.get(accessKeyId) ?? this.#sessions.key(accessKeyId)
  }

  #handle(received: Received, atMs: number): Result {
    const nowMs = this.#nowMs()
    const call = readCall(received, this.#known(), nowMs)
    if (!call.ok) return { refusal: call.refusal }
    const { region, accessKeyId, asked } = call.value
    const arrival = { region, nowMs, atMs }
    const caller = this.#sessions.callerOf(accessKeyId)
    const ses = this.#accounts.of(caller.account)
    switch (asked.action) {
      case 'SendBounce': {
        const refusal = ses.sendBounce(asked.input, arrival)
        const messageId = newMessageId()
        return refusal ? { refusal } : { messageId, xml: id => sendBounceXml(messageId, id) }
      }
      case 'GetIdentityVerificationAttributes': {
        const found = ses.verification(asked.input.Identities ?? [], arrival)
        return found instanceof Map ? { xml: id => verificationXml(found, id) } : { refusal: found }
      }
      case 'GetSendQuota':
        return { xml: id => sendQuotaXml(ses.quota(), id) }
      case 'GetAccountSendingEnabled':
        return { xml: id => sendingEnabledXml(!ses.isPaused, id) }
      case 'GetCallerIdentity':
        return { xml: id => callerIdentityXml(caller, id) }
      case 'AssumeRole': {
        const session = this.#sessions.assume(asked.input, nowMs)
        return 'code' in session ? { refusal: session } : { xml: id => assumeRoleXml(session, id) }
      }
    }
  }

  async #answer({ call, caller, fault, result }: Decided, response: ServerResponse): Promise<void> {
    await this.#wait(this.#options.latencyMs ?? 0)
    const requestId = randomUUID()
    const answer = answerOf(call, caller, fault, result, requestId)
    if (answer === undefined) {
      if (fault?.kind === 'reset') response.socket?.resetAndDestroy()
      return
    }
    response.writeHead(answer.status, {
      'Content-Type': answer.contentType,
      'Content-Length': Buffer.byteLength(answer.body),
      'x-amzn-RequestId': requestId,
      // the SDK corrects its clock by this field
      Date: new Date(this.#nowMs()).toUTCString(),
    })
    response.end(answer.body)
  }
}

interface Decided {
  call: Call
  caller: Caller
  fault: Fault | undefined
  /** Undefined: a fault replaced it. */
  result: Result | undefined
}

// the form of SES's ids for mail that it sends
const newMessageId = () => `01${randomBytes(7).toString('hex')}-${randomUUID()}-000000`
