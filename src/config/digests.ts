// Digests that tell one state of the configuration files from another, and the configuration of one host from another's.

import { createHash } from 'node:crypto'
import type { Source, Sources } from './sources'

/** The same in every process that reads the same files, and another after each change of one. */
export function stateOf(sources: Sources): string {
  const parts = sources.seen().map(({ name, signature }) => `${name} ${signature}`)
  return createHash('sha256').update(parts.toSorted().join('|')).digest('base64url')
}

/** Files about the host itself: its name, and the addresses of its web server. */
const OF_HOST: ReadonlySet<string> = new Set(['me', 'http.ini'])
/** `[queue] host` in ses-bounce.ini: the name of the host, too. */
const HOST_NAME = /^[ \t]*host[ \t]*=.*$/gm
/** Enough to tell some configurations apart, and too little to find a token by trying. */
const DIGEST_LENGTH = 12

/** The same on every host with the same texts. */
export function digestOf(sources: readonly Source[]): string {
  const texts = sources.flatMap(({ name, text }) =>
    OF_HOST.has(name) || text === undefined ? [] : [JSON.stringify([name, text.replace(HOST_NAME, '')])],
  )
  return createHash('sha256').update(texts.toSorted().join()).digest('hex').slice(0, DIGEST_LENGTH)
}
