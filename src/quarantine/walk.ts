// Goes through a folder of mail, a limited number of names at a time, without blocking. After the end it begins again.

import type { Dir } from 'node:fs'
import { opendir } from 'node:fs/promises'

/** Names in one step, which takes some tens of milliseconds. */
const MOST = 1000

/** The names that `keepMail` gives to finished and to unfinished files. */
const WHOLE = /^([\da-f]{24})\.(eml|json)$/
const UNFINISHED = /^\.([\da-f]{24})-[\da-f-]{36}\.(?:eml|json)$/

export interface MailFileName {
  file: string
  name: string
  /** Undefined: the file isn't finished. */
  ending?: 'eml' | 'json'
}

export interface Walk {
  /** Calls `look` for files of mail and ignores others. Rejects when the folder can't be read, or `look` rejects. */
  step(look: (file: MailFileName) => Promise<void>): Promise<void>
  close(): Promise<void>
}

/** A missing folder counts as empty. */
export function openWalk(folder: string, most = MOST): Walk {
  let dir: Dir | undefined
  const close = async () => {
    const open = dir
    dir = undefined
    await open?.close().catch(() => undefined)
  }
  return {
    async step(look) {
      try {
        dir ??= await opendir(folder)
        for (let looked = 0; looked < most; looked++) {
          const entry = await dir.read()
          if (entry === null) {
            await close()
            return
          }
          const file = mailFileName(entry.name)
          if (file !== undefined) await look(file)
        }
      } catch (error) {
        await close()
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
      }
    },
    close,
  }
}

function mailFileName(file: string): MailFileName | undefined {
  const [, name, ending] = WHOLE.exec(file) ?? []
  if (name !== undefined && ending !== undefined)
    return { file, name, ending: ending === 'eml' ? 'eml' : 'json' }
  const [, unfinished] = UNFINISHED.exec(file) ?? []
  return unfinished === undefined ? undefined : { file, name: unfinished }
}
