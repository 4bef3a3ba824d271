// Reads mails to explain from a file, standard input, a folder or an mbox, one after the other.
// A mail that can't be read gives a fault with the reason, and reading continues.

import { createReadStream, type Dirent, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { signatureOfFault } from '../../config/sources'
import type { Result } from '../../errors'
import { FROM_LINE, splitMbox, startsWith } from './mbox'

/** A mail, or the reason why there is none. */
export type MailFile = { name: string; raw: Buffer } | { name: string; fault: string }

export interface MailFiles {
  /** A folder or an mbox. */
  areMany: boolean
  mails: AsyncIterable<MailFile>
}

export const STANDARD_INPUT = '-'

/** Larger than any mail from SES, which accepts 40 MB (developer guide: service quotas, email receiving). */
export const LARGEST_BYTES = 64 * 1024 ** 2
const CHUNK_BYTES = 256 * 1024
export const TOO_LARGE = `is larger than ${LARGEST_BYTES / 1024 ** 2} MB`

/** `input`: a path, or `-`. A fault: nothing is there. */
export async function openMails(input: string, stdin: AsyncIterable<Uint8Array>): Promise<Result<MailFiles>> {
  if (input === STANDARD_INPUT) return { value: await open('standard input', asBuffers(stdin)) }
  const isFolder = isDirectory(input)
  if (typeof isFolder === 'string') return { fault: isFolder }
  if (!isFolder) return { value: await open(path.basename(input), fileBytes(input)) }
  const names = filesIn(input)
  if (typeof names === 'string') return { fault: names }
  return { value: { areMany: true, mails: mailsOfFiles(input, names) } }
}

/** @returns a text: why that can't be said */
function isDirectory(file: string): boolean | string {
  try {
    return statSync(file).isDirectory()
  } catch (error) {
    const code = signatureOfFault(error)
    return code === 'ENOENT' ? `there is no file or folder ${file}` : `${file} can't be read (${code})`
  }
}

/** Sorted, without hidden ones. @returns a text: why there are none */
function filesIn(folder: string): string[] | string {
  let entries: Dirent[]
  try {
    entries = readdirSync(folder, { withFileTypes: true })
  } catch (error) {
    return `${folder} can't be read (${signatureOfFault(error)})`
  }
  const names = entries
    .filter(entry => !entry.name.startsWith('.') && isFile(folder, entry))
    .map(({ name }) => name)
    .toSorted()
  if (names.length > 0) return names
  const isMaildir = entries.some(entry => entry.name === 'cur' && entry.isDirectory())
  return `there is no mail in ${folder}${isMaildir ? '; it is a Maildir, whose mails are in cur and new' : ''}`
}

/** Or leads to one. */
function isFile(folder: string, entry: Dirent): boolean {
  if (!entry.isSymbolicLink()) return entry.isFile()
  try {
    return statSync(path.join(folder, entry.name)).isFile()
  } catch {
    return false
  }
}

async function* mailsOfFiles(folder: string, names: readonly string[]): AsyncGenerator<MailFile> {
  for (const name of names) {
    const { mails } = await open(name, fileBytes(path.join(folder, name)))
    yield* mails
  }
}

/** An mbox is known by its first line. */
async function open(name: string, bytes: AsyncGenerator<Buffer>): Promise<MailFiles> {
  const first: Buffer[] = []
  let fault: string | undefined
  try {
    for (let size = 0; size < FROM_LINE.length; ) {
      const { value, done } = await bytes.next()
      if (done) break
      first.push(value)
      size += value.length
    }
  } catch (error) {
    fault = unreadable(error)
  }
  if (fault !== undefined) return { areMany: false, mails: listOf({ name, fault }) }
  const areMany = startsWith(Buffer.concat(first), FROM_LINE)
  const all = joined(first, bytes)
  return { areMany, mails: areMany ? mboxMails(name, all) : oneMail(name, all) }
}

async function* oneMail(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<MailFile> {
  const parts: Buffer[] = []
  let size = 0
  try {
    for await (const part of bytes) {
      size += part.length
      if (size > LARGEST_BYTES) {
        yield { name, fault: TOO_LARGE }
        return
      }
      parts.push(part)
    }
  } catch (error) {
    yield { name, fault: unreadable(error) }
    return
  }
  yield mailOf(name, Buffer.concat(parts))
}

async function* mboxMails(name: string, bytes: AsyncIterable<Buffer>): AsyncGenerator<MailFile> {
  let number = 0
  try {
    for await (const found of splitMbox(bytes, LARGEST_BYTES)) {
      const one = `${name}#${++number}`
      yield 'raw' in found ? mailOf(one, found.raw) : { name: one, fault: TOO_LARGE }
    }
  } catch (error) {
    yield { name: `${name}#${number + 1}`, fault: unreadable(error) }
  }
}

function mailOf(name: string, raw: Buffer): MailFile {
  return raw.length === 0 ? { name, fault: 'is empty' } : { name, raw }
}

async function* listOf(mail: MailFile): AsyncGenerator<MailFile> {
  yield mail
}

async function* joined(first: readonly Buffer[], rest: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  yield* first
  yield* rest
}

async function* fileBytes(file: string): AsyncGenerator<Buffer> {
  yield* asBuffers(createReadStream(file, { highWaterMark: CHUNK_BYTES }))
}

async function* asBuffers(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  for await (const chunk of stream) yield Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}

function unreadable(error: unknown): string {
  return `can't be read (${signatureOfFault(error)})`
}
