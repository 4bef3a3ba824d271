// Makes the demo's Haraka directory in the system's folder for temporary files.
// The demo writes nothing outside it, and removes it at the end.

import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DELIVERED, DELIVERED_LIST, PLUGINS } from './plugins'
import { LISTS, RULES_INI, settingsIni } from './policy'
import type { StatusPage } from './status-page'

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
  /** More sections of ses-bounce.ini. */
  stores?: string
}

export function fillDirectory(dir: string, { packageDir, port, sesUrl, page, stores = '' }: Contents): void {
  for (const folder of ['config', 'plugins', 'mail', DELIVERED, 'node_modules'])
    mkdirSync(path.join(dir, folder))
  const files: Record<string, string> = {
    plugins: 'directory\nscanner\nses-bounce\ndelivery\n',
    me: 'mx.example.com\n',
    host_list: 'example.com\nstaff.example.com\n',
    'smtp.ini': `listen=127.0.0.1:${port}\n`,
    'log.ini': '[main]\nlevel=info\ntimestamps=true\n',
    'ses-bounce.ini': settingsIni(sesUrl, page) + stores,
    'ses-bounce-rules.ini': RULES_INI,
    ...(page !== undefined && { 'http.ini': `listen = 127.0.0.1:${page.port}\n` }),
    ...LISTS,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(dir, 'config', name), text)
  writeFileSync(path.join(dir, 'config/connection.ini'), connectionIni(packageDir))
  for (const [name, text] of Object.entries(PLUGINS))
    writeFileSync(path.join(dir, 'plugins', `${name}.js`), text)
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
