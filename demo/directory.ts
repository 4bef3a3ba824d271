// Makes the demo's Haraka directory in the system's folder for temporary files.
// The demo writes nothing outside it, and removes it at the end.

import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { LISTS, RULES_INI, settingsIni } from './policy'
import type { StatusPage } from './status-page'

export const DELIVERED = 'delivered'
const DELIVERED_LIST = 'delivered.jsonl'

export function deliveredList(dir: string): string {
  return path.join(dir, DELIVERED, DELIVERED_LIST)
}

/** Makes an empty directory. */
export function makeDirectory(): string {
  return mkdtempSync(path.join(tmpdir(), 'ses-bounce-demo-'))
}

export interface Contents {
  packageDir: string
  port: number
  sesUrl: string
  page: StatusPage | undefined
}

export function fillDirectory(dir: string, { packageDir, port, sesUrl, page }: Contents): void {
  for (const folder of ['config', 'plugins', 'mail', DELIVERED, 'node_modules'])
    mkdirSync(path.join(dir, folder))
  const files: Record<string, string> = {
    plugins: 'ses-bounce\ndemo\n',
    me: 'mx.example.com\n',
    host_list: 'example.com\n',
    'smtp.ini': `listen=127.0.0.1:${port}\n`,
    'log.ini': '[main]\nlevel=info\ntimestamps=true\n',
    'ses-bounce.ini': settingsIni(sesUrl, page),
    'ses-bounce-rules.ini': RULES_INI,
    ...(page !== undefined && { 'http.ini': `listen = 127.0.0.1:${page.port}\n` }),
    ...LISTS,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'config', name), text)
  writeFileSync(path.join(dir, 'config/connection.ini'), connectionIni(packageDir))
  writeFileSync(path.join(dir, 'plugins/demo.js'), DEMO_PLUGIN)
  writeFileSync(deliveredList(dir), '')
  symlinkSync(packageDir, path.join(dir, 'node_modules/haraka-plugin-ses-bounce'), 'dir')
}

/** Haraka crashes at every connection without a complete file, and its limit would refuse large mail before the rules. */
function connectionIni(packageDir: string): string {
  const text = readFileSync(path.join(packageDir, 'node_modules/Haraka/config/connection.ini'), 'utf8')
  return text
    .replace(/^bytes=.*$/m, 'bytes=46000000')
    .replace(/^;?data_line_length=.*$/m, 'data_line_length=1001')
}

const DEMO_PLUGIN = `// Takes all mail that is left to deliver, and keeps it in ${DELIVERED}/. Ends with the demo that started Haraka.
'use strict'
const cluster = require('node:cluster')
const fs = require('node:fs')
const path = require('node:path')
const folder = path.join(process.env.HARAKA, '${DELIVERED}')

exports.register = () => {
  if (cluster.isPrimary) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}

exports.hook_rcpt = next => next(OK)

exports.hook_queue = (next, connection) => {
  const { mail_from, rcpt_to, message_stream, uuid } = connection.transaction
  message_stream.get_data(data => {
    const file = uuid + '.eml'
    fs.writeFileSync(path.join(folder, file), data)
    const line = { file, from: mail_from.address, to: rcpt_to.map(to => to.address) }
    fs.appendFileSync(path.join(folder, '${DELIVERED_LIST}'), JSON.stringify(line) + '\\n')
    next(OK, 'Delivered')
  })
}
`
