// Where processes listen for TCP, by /proc: what others could connect to.
// Processes that vanish meanwhile are left out; without /proc nothing is found.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

/** proc_pid_net(5), include/net/tcp_states.h: TCP_LISTEN. */
const LISTEN = '0A'

/** `127.0.0.1:2525`; of IPv6 as /proc writes it. */
export function listenedOn(pids: readonly number[]): string[] {
  const sockets = new Set(pids.flatMap(socketsOf))
  return ['tcp', 'tcp6'].flatMap(name =>
    linesOf(`/proc/net/${name}`).flatMap(line => {
      // proc_pid_net(5): sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode
      const [, local = '', , state, , , , , , inode] = line.trim().split(/\s+/)
      return state === LISTEN && sockets.has(`socket:[${inode}]`) ? [addressText(local)] : []
    }),
  )
}

function socketsOf(pid: number): string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap(fd => linkOf(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function linkOf(file: string): string[] {
  try {
    return [readlinkSync(file)]
  } catch {
    return []
  }
}

function linesOf(file: string): string[] {
  try {
    return readFileSync(file, 'latin1').split('\n').slice(1)
  } catch {
    return []
  }
}

/** `0100007F:09DD`: the address as this machine keeps a number in memory. */
function addressText(local: string): string {
  const [address = '', port = ''] = local.split(':')
  if (address.length !== 8) return `${address}:${Number.parseInt(port, 16)}`
  const number = Buffer.from(new Uint32Array([Number.parseInt(address, 16)]).buffer)
  return `${number.join('.')}:${Number.parseInt(port, 16)}`
}
