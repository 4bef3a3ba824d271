// Runs work that a mail can make long outside of Haraka's own thread: reading content, searching long texts.
// Hostile mail can only stop or kill such a thread; then the work for that mail rejects. Small mails are read at once.

import type { Content, ReadingOptions } from '../mail/content'
import type { Preview, PreviewOptions } from '../mail/preview'
import type { Found, MatchBudgetOptions } from '../policy/match-budget'
import { MailMemory } from './mail-memory'
import { AT_ONCE_BYTES, isSmall, readAtOnce, warmUpReading } from './read-at-once'
import { ThreadPool } from './thread-pool'

export { WorkerThreadError } from './worker-thread-error'

/** A mail whose bytes aren't in memory yet. */
export interface UnreadMail {
  sizeBytes: number
  /** Reads the bytes, which are then moved to the thread. */
  read(): Promise<Uint8Array<ArrayBuffer>>
}

export interface WorkerThreads {
  /** Rejects with UnreadableError for a permanent fault of the mail, with WorkerThreadError for a temporary failure. */
  content(raw: Uint8Array, limitCharacters: number, opensArchives?: boolean): Promise<Content>
  /** `content`, but reads the mail only when there is room for it in memory, and a small one on this thread. */
  contentOf(mail: UnreadMail, limitCharacters: number, opensArchives?: boolean): Promise<Content>
  search: MatchBudgetOptions['search']
  /** For people; no mail waits for it. Rejects with WorkerThreadError. */
  preview(raw: Uint8Array<ArrayBuffer>, options: PreviewOptions): Promise<Preview>
  /** Loads the modules for content, here and in the first thread. */
  warmUp(): Promise<void>
  close(): void
}

/**
 * The time limit for any mail; large mails have more for each byte. Reading takes a tenth of it, even on a busy
 * machine.
 */
const READING_MS = 4000
/** The time for a preview: a person waits for it, and no mail. It includes the start of the thread. */
const LOOKING_MS = 15_000
const READING_MS_A_BYTE = 0.2 / 1024

/** Up to two hostile mails at once don't delay others. */
const READING_THREADS = 3
/** Heap of a reading thread: [content] limit limits texts, and everything else is read in pieces. */
const READING_MB = 96
/** Heap of a searching thread: a hundred passes (KEPT_SETS) cache a megabyte each. */
const SEARCHING_MB = 256

/** Threads start when they are needed. Searching and reading have threads of their own. */
export function openWorkerThreads(program = require.resolve('./thread')): WorkerThreads {
  const reading = new ThreadPool({ program, most: READING_THREADS, memoryMb: READING_MB })
  const searching = new ThreadPool({ program, most: 1, memoryMb: SEARCHING_MB })
  const looking = new ThreadPool({ program, most: 1, memoryMb: READING_MB })
  const memory = new MailMemory()
  const content = async (raw: Uint8Array, options: ReadingOptions, transfer: readonly ArrayBuffer[] = []) => {
    const timeoutMs = READING_MS + raw.length * READING_MS_A_BYTE
    const { answer } = await reading.run({ name: 'content', asked: { raw, ...options } }, timeoutMs, transfer)
    return answer as Content
  }
  return {
    content: (raw, limitCharacters, opensArchives = false) =>
      content(raw, { limitCharacters, opensArchives }),
    async contentOf(mail, limitCharacters, opensArchives = false) {
      const read = async () => {
        const raw = await mail.read()
        return isSmall(raw)
          ? readAtOnce(raw, limitCharacters, opensArchives)
          : content(raw, { limitCharacters, opensArchives }, [raw.buffer])
      }
      return mail.sizeBytes <= AT_ONCE_BYTES ? read() : memory.hold(mail.sizeBytes, read)
    },
    search: async (sources, text, timeoutMs) => {
      const { answer, tookMs } = await searching.run({ name: 'search', asked: { sources, text } }, timeoutMs)
      return { found: answer as Found, tookMs }
    },
    async preview(raw, options) {
      const asked = { raw, ...options }
      const { answer } = await looking.run({ name: 'preview', asked }, LOOKING_MS, [raw.buffer])
      return answer as Preview
    },
    async warmUp() {
      warmUpReading()
      await content(new Uint8Array(), { limitCharacters: 0, opensArchives: false })
    },
    close() {
      reading.close()
      searching.close()
      looking.close()
    },
  }
}
