// Delays answers to wrong tokens, longer each time, and logs the peer. A valid token is never delayed, even from the
// same peer, which may be a proxy. Memory and log are limited.

import { isIP } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import type { MonoMs } from '../units'

/** Wrong tokens without a delay, as people mistype. */
const FREE_TRIES = 3
const FIRST_PAUSE_MS = 200
/** The longest delay, below the timeouts of proxies. */
const LONGEST_PAUSE_MS = 5000
/** Time without a wrong token after which a peer's count ends. */
const FORGET_MS = 10 * 60_000
const MOST_PEERS = 1000
/** The most delayed answers. Further ones are sent at once, so that connections can't pile up. */
const MOST_WAITING = 100
const LINE_EVERY_MS = 60_000
/** Log lines in a minute for all peers together. */
const LINES_A_MINUTE = 10

interface Peer {
  count: number
  lastMonoMs: MonoMs
  /** The time of its last log line, and the number of its tokens then. */
  saidMs: number
  said: number
}

export interface WrongTokensParts {
  warn: (message: string) => void
  nowMonoMs: () => MonoMs
  wait?: (ms: number) => Promise<void>
}

export class WrongTokens {
  /** The peers, in the order of their last wrong token. */
  readonly #peers = new Map<string, Peer>()
  readonly #parts: WrongTokensParts
  #waiting = 0
  #lines = 0
  #linesSinceMs = Number.NEGATIVE_INFINITY

  constructor(parts: WrongTokensParts) {
    this.#parts = parts
  }

  /** Resolves when the answer may be sent. Never rejects. `address`: of the connection. */
  async given(address: string | undefined): Promise<void> {
    const nowMonoMs = this.#parts.nowMonoMs()
    const shown = shownAddress(address)
    const peer = this.#peer(network(shown), nowMonoMs)
    peer.count += 1
    peer.lastMonoMs = nowMonoMs
    this.#say(shown, peer, nowMonoMs)
    const ms = pauseMs(peer.count)
    if (ms === 0 || this.#waiting >= MOST_WAITING) return
    this.#waiting += 1
    try {
      await (this.#parts.wait ?? waitUnref)(ms)
    } finally {
      this.#waiting -= 1
    }
  }

  #peer(key: string, nowMonoMs: MonoMs): Peer {
    const known = this.#peers.get(key)
    const isFresh = known !== undefined && nowMonoMs - known.lastMonoMs < FORGET_MS
    const peer = isFresh
      ? known
      : { count: 0, lastMonoMs: nowMonoMs, saidMs: Number.NEGATIVE_INFINITY, said: 0 }
    this.#peers.delete(key)
    this.#peers.set(key, peer)
    const [oldest] = this.#peers.keys()
    if (this.#peers.size > MOST_PEERS && oldest !== undefined) this.#peers.delete(oldest)
    return peer
  }

  #say(shown: string, peer: Peer, nowMonoMs: MonoMs): void {
    if (nowMonoMs - peer.saidMs < LINE_EVERY_MS) return
    if (nowMonoMs - this.#linesSinceMs >= LINE_EVERY_MS) {
      this.#linesSinceMs = nowMonoMs
      this.#lines = 0
    }
    if (this.#lines > LINES_A_MINUTE) return
    this.#lines += 1
    if (this.#lines > LINES_A_MINUTE) {
      this.#parts.warn('http: wrong tokens from more peers; they are not named for a minute')
      return
    }
    const more = peer.count - peer.said
    this.#parts.warn(`http: wrong token from ${shown}${more > 1 ? ` (${more} since the last line)` : ''}`)
    peer.saidMs = nowMonoMs
    peer.said = peer.count
  }
}

function pauseMs(count: number): number {
  const beyond = count - FREE_TRIES
  return beyond <= 0 ? 0 : Math.min(FIRST_PAUSE_MS * 2 ** Math.min(beyond - 1, 10), LONGEST_PAUSE_MS)
}

/** The address for the log. RFC 4291 section 2.5.5.2: an IPv4 address in IPv6 is shown as IPv4. */
function shownAddress(address = ''): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/i, '').replace(/%.*$/, '')
  return isIP(plain) === 0 ? 'an unknown address' : plain
}

/** A subscriber has a whole /64 of IPv6 (RFC 6177), which counts as one peer. */
function network(address: string): string {
  if (isIP(address) !== 6) return address
  const [head = '', tail] = address.toLowerCase().split('::')
  const groups = head === '' ? [] : head.split(':')
  const last = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - last.length)
  return [...groups, ...Array<string>(zeros).fill('0'), ...last].slice(0, 4).join(':')
}

async function waitUnref(ms: number): Promise<void> {
  await pause(ms, undefined, { ref: false })
}
