// HTTP agents that record when a request has left this process, as the pace counts from there.

import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { proxyAgent } from '../aws-proxy'
import type { MonoMs } from '../units'

/** The times of one call. Set by the agent during the call. */
export interface RequestTiming {
  /**
   * Monotonic milliseconds after which the request must not be sent: a process that was stopped meanwhile may have lost
   * the lead to another one.
   */
  notAfterMonoMs?: MonoMs
  /** A connection had to be opened: the handshake delays the request by an unknown time. */
  opened: boolean
  /** The connection, with TLS, was made. Before that no part of a request can have been sent. */
  reached: boolean
  /** When the call's own connection was made, in monotonic milliseconds. The request follows at once. */
  connectedMonoMs?: MonoMs
  /** When the request had been written to the system, in monotonic milliseconds. */
  flushedMonoMs?: MonoMs
}

/** Shorter than a server's own timeout, so that the server doesn't close a connection during a request. */
const IDLE_MS = 10_000

/**
 * Agents for one region, for one call at a time. `flight()` is the call that is on its way.
 * createConnection and reuseSocket are http.Agent's documented points to override.
 */
export function stampingAgents(
  flight: () => RequestTiming,
  monoMs: () => MonoMs,
  timeoutMs: number,
): { httpAgent: http.Agent; httpsAgent: http.Agent } {
  const options = { keepAlive: true, maxSockets: 1 }
  // a proxy that doesn't answer must not hold the only socket
  const proxied = proxyAgent({ keepAlive: true, connectMs: timeoutMs })
  return {
    httpAgent: stamping(new http.Agent(options)),
    httpsAgent: stamping(proxied ?? new https.Agent(options)),
  }

  function stamping<A extends http.Agent>(agent: A): A {
    const createConnection = agent.createConnection.bind(agent)
    const reuseSocket = agent.reuseSocket.bind(agent)
    agent.createConnection = (...parameters) => {
      const current = flight()
      current.opened = true
      const socket = createConnection(...parameters)
      // tls.TLSSocket emits secureConnect when the server has proved who it is
      socket?.once('encrypted' in socket ? 'secureConnect' : 'connect', () => {
        const connectedMonoMs = monoMs()
        // this is the first listener, so nothing has been written yet
        if (isLate(current, connectedMonoMs)) {
          socket.destroy(tooLate())
          return
        }
        current.reached = true
        current.connectedMonoMs = connectedMonoMs
      })
      return socket
    }
    agent.reuseSocket = (socket, request) => {
      const current = flight()
      current.reached = true
      // Node.js emits it right before it writes
      request.once('socket', () => {
        if (!isLate(current, monoMs())) return
        current.reached = false
        request.destroy(tooLate())
      })
      request.once('finish', () => {
        current.flushedMonoMs = monoMs()
      })
      reuseSocket(socket, request)
    }
    // after the agent's own listener, which keeps the socket, and closes it at its timeout
    agent.on('free', (socket: Socket) => socket.setTimeout(IDLE_MS))
    return agent
  }
}

function isLate({ notAfterMonoMs = Number.POSITIVE_INFINITY }: RequestTiming, nowMonoMs: MonoMs): boolean {
  return nowMonoMs > notAfterMonoMs
}

function tooLate(): Error {
  return new Error('the call was held up before it could leave, and was not made')
}
