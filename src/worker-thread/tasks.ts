// Tasks for a thread, and their answers: plain data that can be copied between threads.

import type { Content, ReadingOptions } from '../mail/content'
import type { Preview, PreviewOptions } from '../mail/preview'
import type { Found } from '../policy/match-budget'

export interface Tasks {
  content: { asked: { raw: Uint8Array } & ReadingOptions; answer: Content }
  preview: { asked: { raw: Uint8Array } & PreviewOptions; answer: Preview }
  search: { asked: { sources: readonly string[]; text: string }; answer: Found }
}

export type TaskName = keyof Tasks

export type Asked = { [N in TaskName]: { name: N; asked: Tasks[N]['asked'] } }[TaskName]

/** `isUnreadable`: it would be the same at any time. */
export type TaskAnswer =
  | { answer: Tasks[TaskName]['answer']; tookMs: number }
  | { fault: string; isUnreadable: boolean }

/** A task with the promise of its caller. */
export interface Job {
  task: Asked
  timeoutMs: number
  /** Buffers that are moved to the thread. */
  transfer: readonly ArrayBuffer[]
  resolve: (done: { answer: unknown; tookMs: number }) => void
  reject: (error: Error) => void
}
