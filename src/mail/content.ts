// What is in a mail: its text, decoded, and its attachments, by mailparser. Read only when a rule asks.
// Runs on a thread of its own (src/aside): what a mail makes of the parser can't reach the mail server.

import type { Readable } from 'node:stream'
import type { AttachmentStream, MessageText } from 'mailparser'
import { htmlText } from './html-text'
import { mimeFields } from './mime-fields'

/** Both cut to `[content] limit`. */
export interface Content {
  /** The text parts as one, and what can be read of the HTML parts; those that there are, without blanks around them. */
  texts: readonly string[]
  attachments: readonly Attachment[]
  /** A text was longer than the limit. */
  isCut: boolean
}

/** Every part that isn't the mail's own text, inline pictures too; an attached mail, and what is attached to it. */
export interface Attachment {
  /** From Content-Disposition and Content-Type, which may differ; without what no file name shows. */
  names: readonly string[]
  /** As declared, and, for application/octet-stream, as the name has it. */
  types: readonly string[]
  sizeBytes: number
}

/** In UTF-16 units. */
export interface CutText {
  text: string
  isCut: boolean
}

/** Haraka bounds a header by lines only. */
const HEAD_LIMIT_BYTES = 16 * 1024 * 1024
const CHUNK_BYTES = 65_536

/** Mails attached to attached mails are opened so far; nobody reads deeper either. */
const DEEPEST = 5

/** `raw`: the mail, decoded by nobody yet. Rejects when mailparser can make nothing of it. */
export function readContent(raw: Uint8Array, limitCharacters: number): Promise<Content> {
  return readAt(raw, limitCharacters, 0)
}

async function readAt(raw: Uint8Array, limitCharacters: number, depth: number): Promise<Content> {
  const { MailParser } = loadMailparser()
  const parser = new MailParser({
    skipHtmlToText: true,
    skipImageLinks: true,
    skipTextToHtml: true,
    skipTextLinks: true,
    checksumAlgo: false,
    maxHeadSize: HEAD_LIMIT_BYTES,
  })
  const taken: Promise<Attachment[]>[] = []
  let text: MessageText | undefined
  await new Promise<void>((resolve, reject) => {
    parser.on('data', part => {
      if (part.type === 'text') {
        text = part
        return
      }
      const attachments = takeAttachment(part, depth)
      attachments.catch(reject)
      taken.push(attachments)
    })
    parser.once('error', reject)
    parser.once('end', resolve)
    const { fields, bodyAt } = mimeFields(raw)
    // a field of our own first: mailparser takes a first line `From ` for an mbox's, and `POST ` for a request's
    parser.write(Buffer.concat([Buffer.from('First:\r\n'), ...fields]))
    feed(parser, raw, bodyAt)
  })
  const attachments = [...(await Promise.all(taken)).flat(), ...namedTexts(parser)]
  const texts = [
    ...(text?.text ? [cut(text.text, limitCharacters)] : []),
    ...(text?.html ? [htmlText(text.html, limitCharacters)] : []),
  ].filter(one => one.text !== '')
  return { texts: texts.map(one => one.text), attachments, isCut: texts.some(one => one.isCut) }
}

let mailparser: typeof import('mailparser') | undefined

/** Asked once: to find a package that names its exports takes Node 60 us each time. */
function loadMailparser(): typeof import('mailparser') {
  mailparser ??= require('mailparser') as typeof import('mailparser')
  return mailparser
}

function feed(parser: NodeJS.WritableStream, raw: Uint8Array, from: number): void {
  for (let at = from; at < raw.length; at += CHUNK_BYTES) {
    if (!parser.write(raw.subarray(at, at + CHUNK_BYTES))) {
      parser.once('drain', () => feed(parser, raw, at + CHUNK_BYTES))
      return
    }
  }
  // mailparser waits for ever for the end of an attached mail's header that the mail doesn't have
  parser.end('\r\n\r\n')
}

/** The parser waits for the end of each. Of a mail its own attachments too. */
async function takeAttachment(part: AttachmentStream, depth: number): Promise<Attachment[]> {
  const opens = part.contentType === 'message/rfc822' && depth < DEEPEST
  const chunks: Buffer[] = []
  let sizeBytes = 0
  const content: Readable = part.content
  for await (const chunk of content) {
    sizeBytes += (chunk as Buffer).length
    if (opens) chunks.push(chunk as Buffer)
  }
  part.release?.()
  const declared = part.headers.get('content-type')
  const { value, name } = isStructured(declared)
    ? { value: declared.value, name: declared.params['name'] }
    : {}
  const taken = attachment([part.filename, name], [value, part.contentType], sizeBytes)
  return opens ? [taken, ...(await readAt(Buffer.concat(chunks), 0, depth + 1)).attachments] : [taken]
}

/** What mailparser's nodes offer besides, of which its types say nothing. */
interface TextNode {
  isAttachment?: boolean
  textContent?: string
  contentType?: string
  node?: { filename?: unknown }
  children?: readonly TextNode[]
}

/** A text part with a file name is part of the text for mailparser, and a file for many a mail program. */
function namedTexts(parser: object): Attachment[] {
  const found: Attachment[] = []
  const open: TextNode[] = 'tree' in parser && parser.tree ? [parser.tree] : []
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    const name = node.node?.filename
    if (node.isAttachment === false && typeof name === 'string') {
      found.push(attachment([name], [node.contentType], Buffer.byteLength(node.textContent ?? '')))
    }
    open.push(...(node.children ?? []).toReversed())
  }
  return found
}

function attachment(
  names: readonly (string | undefined)[],
  types: readonly (string | undefined)[],
  sizeBytes: number,
): Attachment {
  return { names: distinct(names.map(plainName)), types: distinct(types), sizeBytes }
}

/** Windows drops blanks and dots at the end of a name, and marks of direction are never seen. */
function plainName(name: string | undefined): string | undefined {
  return name?.replace(/[\p{Cc}\p{Cf}]/gu, '').replace(/[\s.]+$/, '')
}

function distinct(values: readonly (string | undefined)[]): string[] {
  return [...new Set(values.filter(value => value !== undefined && value !== ''))] as string[]
}

function isStructured(
  value: unknown,
): value is { value: string; params: Record<string, string | undefined> } {
  return typeof value === 'object' && value !== null && 'value' in value && 'params' in value
}

function cut(whole: string, limit: number): CutText {
  const text = whole.trim()
  return { text: text.slice(0, limit), isCut: text.length > limit }
}
