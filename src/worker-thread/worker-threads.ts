// Work that a mail may make long, kept off the mail server's own thread: reading content, searching long texts.
// Hostile mail can stop or kill such a thread, and nothing else: what was asked for that mail rejects.

import type { Content } from '../mail/content'
import type { Found, MatchBudgetOptions } from '../policy/match-budget'
import { MailMemory } from './mail-memory'
import { ThreadPool } from './thread-pool'

export { WorkerThreadError } from './worker-thread-error'

/** A mail of which the bytes aren't in memory yet. */
export interface UnreadMail {
  sizeBytes: number
  /** Bytes that nobody else keeps: the thread gets them. */
  read(): Promise<Uint8Array<ArrayBuffer>>
}

export interface WorkerThreads {
  /** Rejects with UnreadableError where it would at any time, with WorkerThreadError where it may pass. */
  content(raw: Uint8Array, limitCharacters: number): Promise<Content>
  /** As `content`; waits with reading the mail as long as there is no room for it. */
  contentOf(mail: UnreadMail, limitCharacters: number): Promise<Content>
  search: MatchBudgetOptions['search']
  close(): void
}

/** For any mail, and for each byte of a large one. Reading takes a tenth of it, on a busy machine too. */
const READING_MS = 4000
const READING_MS_A_BYTE = 0.2 / 1024

/** So many hostile mails at once hold up no other. */
const READING_THREADS = 3
/** Texts are bounded by [content] limit, and everything else is read in pieces. */
const READING_MB = 96
/** Searches keep what they learned of a hundred passes, a megabyte each. */
const SEARCHING_MB = 256

/** Threads start when they are first needed. A search can't hold up the reading of another mail. */
export function openWorkerThreads(program = require.resolve('./thread')): WorkerThreads {
  const reading = new ThreadPool({ program, most: READING_THREADS, memoryMb: READING_MB })
  const searching = new ThreadPool({ program, most: 1, memoryMb: SEARCHING_MB })
  const memory = new MailMemory()
  const content = async (raw: Uint8Array, limitCharacters: number, transfer: readonly ArrayBuffer[]) => {
    const timeoutMs = READING_MS + raw.length * READING_MS_A_BYTE
    const { answer } = await reading.run(
      { name: 'content', asked: { raw, limitCharacters } },
      timeoutMs,
      transfer,
    )
    return answer as Content
  }
  return {
    content: (raw, limitCharacters) => content(raw, limitCharacters, []),
    contentOf: (mail, limitCharacters) =>
      memory.hold(mail.sizeBytes, async () => {
        const raw = await mail.read()
        return content(raw, limitCharacters, [raw.buffer])
      }),
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
