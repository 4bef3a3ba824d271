// A Haraka directory that takes every mail and writes down what it would deliver.
// Whatever a test gives replaces what stands here; nothing outside the directory is touched.

import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { packageFolder } from './package-folder'
import { freePort } from './ports'

export const checkout = realpathSync(packageFolder())
/** The path in the form that processes show, even where node_modules is a link. */
export const harakaPackage = realpathSync(path.join(checkout, 'node_modules/Haraka'))

export interface DirectoryOptions {
  /** Lines of config/plugins. `accept_all` and `capture` are added behind them. Default, for a new directory: none. */
  plugins?: readonly string[]
  /**
   * Text by path in the directory (config/..., plugins/...). Replaces what stands there; config/smtp.ini is put below
   * our own lines. `'plugins/accept_all.js': ''` has Haraka refuse recipients that no other plugin claims.
   */
  files?: Readonly<Record<string, string>>
  /** Worker processes. Default, as in Haraka: none, one process does all. */
  nodes?: number
  /** Whom the workers run as; needs root. */
  user?: string
  group?: string
  /** Where; an existing one is used as it is: only smtp.ini, `files` and, where given, `plugins` are new. */
  dir?: string
  /** link: this checkout is the installed haraka-plugin-ses-bounce. Default: when `plugins` names it. */
  package?: 'link' | 'none'
}

export interface DeliveredMail {
  hook: 'queue' | 'queue_outbound'
  /** Without angle brackets; '' is the null sender. */
  from: string
  to: string[]
  /** With CRLF and with Haraka's own Received on top. */
  data: Buffer
}

/** Returns the directory and the free port of 127.0.0.1 that its smtp.ini names. */
export async function prepareDirectory(options: DirectoryOptions): Promise<{ dir: string; port: number }> {
  const port = await freePort()
  const dir = options.dir ?? mkdtempSync(path.join(tmpdir(), 'haraka-'))
  const isNew = !existsSync(path.join(dir, deliveredFile))
  if (isNew) fill(dir)
  if (isNew || options.plugins !== undefined) {
    write(dir, 'config/plugins', [...(options.plugins ?? []), 'accept_all', 'capture', ''].join('\n'))
  }
  for (const [file, text] of Object.entries(options.files ?? {})) write(dir, file, text)
  write(dir, 'config/smtp.ini', smtpIni(port, options))
  const link = options.package ?? (options.plugins?.includes('ses-bounce') ? 'link' : 'none')
  if (link === 'link') linkPackage(dir)
  return { dir, port }
}

/** The mails that reached the last queue plugin so far, oldest first. */
export function readDelivered(dir: string): DeliveredMail[] {
  const lines = readFileSync(path.join(dir, deliveredFile), 'utf8').split('\n')
  // the last piece is empty, or a line that is being written
  return lines.slice(0, -1).map(line => {
    const mail = JSON.parse(line) as Omit<DeliveredMail, 'data'> & { data: string }
    return { ...mail, data: Buffer.from(mail.data, 'base64') }
  })
}

const deliveredFile = 'delivered.jsonl'

function fill(dir: string): void {
  // `user` in smtp.ini: the workers run as another user
  chmodSync(dir, 0o755)
  appendFileSync(path.join(dir, deliveredFile), '')
  chmodSync(path.join(dir, deliveredFile), 0o666)
  // Haraka crashes at every connection without a full connection.ini
  const connectionIni = readFileSync(path.join(harakaPackage, 'config/connection.ini'), 'utf8')
  write(dir, 'config/connection.ini', connectionIni)
  write(dir, 'config/log.ini', '[main]\nlevel=info\ntimestamps=true\n')
  write(dir, 'config/me', 'mx.yours.example\n')
  write(dir, 'config/host_list', 'yours.example\n')
  write(dir, 'plugins/accept_all.js', acceptAllPlugin)
  write(dir, 'plugins/capture.js', capturePlugin)
}

function smtpIni(port: number, { nodes = 0, user, group, files }: DirectoryOptions): string {
  const lines = [`listen=127.0.0.1:${port}`, `nodes=${nodes}`]
  if (user !== undefined) lines.push(`user=${user}`)
  if (group !== undefined) lines.push(`group=${group}`)
  return `${lines.join('\n')}\n${files?.['config/smtp.ini'] ?? ''}`
}

function linkPackage(dir: string): void {
  const link = path.join(dir, 'node_modules/haraka-plugin-ses-bounce')
  if (existsSync(link)) return
  mkdirSync(path.dirname(link), { recursive: true })
  symlinkSync(checkout, link)
}

function write(dir: string, file: string, text: string): void {
  const target = path.join(dir, file)
  mkdirSync(path.dirname(target), { recursive: true })
  writeFileSync(target, text)
}

/** Whether workers that run as another `user` can load Haraka and this package from where the checkout lies. */
export function othersCanReadCheckout(): boolean {
  let dir = harakaPackage
  while (dir !== path.dirname(dir)) {
    if ((statSync(dir).mode & 0o005) !== 0o005) return false
    dir = path.dirname(dir)
  }
  return true
}

// OK is a global of plugins in Haraka's own plugins directory
const acceptAllPlugin = `'use strict'
exports.hook_rcpt = next => next(OK)
`

const capturePlugin = `'use strict'
const fs = require('node:fs')
const path = require('node:path')
const file = path.join(process.env.HARAKA, '${deliveredFile}')

function capture(hook) {
  return (next, connection) => {
    const { mail_from, rcpt_to, message_stream } = connection.transaction
    message_stream.get_data(data => {
      const mail = { hook, from: mail_from.address, to: rcpt_to.map(to => to.address), data: data.toString('base64') }
      fs.appendFileSync(file, JSON.stringify(mail) + '\\n')
      next(OK, 'captured')
    })
  }
}
exports.hook_queue = capture('queue')
exports.hook_queue_outbound = capture('queue_outbound')
`
