// Work that a mail may make long, kept off the mail server's own thread: reading content, searching long texts.
// Hostile mail can stop or kill such a thread, and nothing else: what was asked for that mail rejects.

import type { Content } from '../mail/content'
import type { EffortOptions, Found } from '../policy/effort'
import { Lane } from './lane'

export { AsideError } from './lane'

export interface Aside {
  content(raw: Uint8Array, limitCharacters: number): Promise<Content>
  search: EffortOptions['search']
  close(): void
}

/** 40 MB, the most that SES takes, are read in a second. */
const READING_MS = 10_000

/** Threads start when they are first needed. A search can't hold up the reading of another mail. */
export function openAside(program = require.resolve('./thread')): Aside {
  const [reading, searching] = [new Lane(program), new Lane(program)]
  return {
    content: async (raw, limitCharacters) => {
      const { answer } = await reading.run({ name: 'content', asked: { raw, limitCharacters } }, READING_MS)
      return answer as Content
    },
    search: async (sources, text, timeoutMs) => {
      const { answer, tookMs } = await searching.run({ name: 'search', asked: { sources, text } }, timeoutMs)
      return { found: answer as Found, tookMs }
    },
    close() {
      reading.close()
      searching.close()
    },
  }
}
