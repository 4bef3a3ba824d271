// An HTTP proxy that answers CONNECT, and behind it AWS: whatever host is asked for, TLS ends here with a certificate of
// AWS's names, and what is inside goes to a server on loopback. certificates/ was made once, with openssl, for a hundred
// years; its key opens nothing but these servers.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import http from 'node:http'
import net, { type AddressInfo, type Socket } from 'node:net'
import path from 'node:path'
import tls from 'node:tls'

const pem = (name: string) => path.join(__dirname, '..', 'certificates', name)

/** The processes that ask must trust it. */
export const TRUSTED: Readonly<Record<string, string>> = { NODE_EXTRA_CA_CERTS: pem('aws.pem') }

export interface ConnectProxy {
  url: string
  /** `HOST:PORT` of each CONNECT, in their order. */
  asked: string[]
  /** The Proxy-Authorization of each. */
  logins: (string | undefined)[]
  /** How it answers from now on. `silent`: never. */
  mode: 'connects' | 'silent' | number
  close(): Promise<void>
}

/** `portFor`: of the plain server that has what the host is asked. */
export async function startConnectProxy(portFor: (host: string) => number): Promise<ConnectProxy> {
  const sockets = new Set<Socket>()
  const keep = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.once('close', () => sockets.delete(socket))
    return socket
  }
  const options = { cert: readFileSync(pem('aws.pem')), key: readFileSync(pem('aws.key')) }
  const aws = tls.createServer(options, socket => {
    const host = (socket as tls.TLSSocket & { servername?: string }).servername ?? ''
    pipe(keep(socket), keep(net.connect(portFor(host), '127.0.0.1')))
  })
  aws.on('tlsClientError', () => undefined)
  aws.listen(0, '127.0.0.1')
  const server = http.createServer((_request, response) => response.writeHead(405).end())
  const proxy: ConnectProxy = {
    url: '',
    asked: [],
    logins: [],
    mode: 'connects',
    async close() {
      for (const socket of sockets) socket.destroy()
      server.close()
      server.closeAllConnections()
      aws.close()
      await Promise.all([once(server, 'close'), once(aws, 'close')])
    },
  }
  server.on('connect', (request, socket: Socket) => {
    keep(socket)
    proxy.asked.push(request.url ?? '')
    proxy.logins.push(request.headers['proxy-authorization'])
    if (proxy.mode === 'silent') return
    if (proxy.mode !== 'connects') {
      socket.end(`HTTP/1.1 ${proxy.mode} Not now\r\ncontent-length: 0\r\n\r\n`)
      return
    }
    const behind = keep(net.connect((aws.address() as AddressInfo).port, '127.0.0.1'))
    behind.once('connect', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      pipe(socket, behind)
    })
  })
  server.listen(0, '127.0.0.1')
  await Promise.all([once(server, 'listening'), once(aws, 'listening')])
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}

function pipe(one: Socket, other: Socket): void {
  one.pipe(other).pipe(one)
  one.once('close', () => other.destroy())
  other.once('close', () => one.destroy())
}
