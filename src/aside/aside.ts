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

/** For any mail, and for each byte of a large one: SES's 40 MB are read in a second or two, and other mail waits for it. */
const READING_MS = 4000
const READING_MS_A_BYTE = 0.2 / 1024

/** Threads start when they are first needed. A search can't hold up the reading of another mail. */
export function openAside(program = require.resolve('./thread')): Aside {
  const [reading, searching] = [new Lane(program), new Lane(program)]
  return {
    content: async (raw, limitCharacters) => {
      const timeoutMs = READING_MS + raw.length * READING_MS_A_BYTE
      const { answer } = await reading.run({ name: 'content', asked: { raw, limitCharacters } }, timeoutMs)
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
