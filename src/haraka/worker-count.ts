// The number of Haraka's processes that serve SMTP on a host: `nodes` in smtp.ini.

import os from 'node:os'
import { parseIni } from '../config/ini'
import { SMTP_FILE } from '../config/owner'

/** Haraka's server.js: without `nodes`, or with 0, one process does everything. */
export function workerCount(smtpIni: string | undefined, cpus = os.cpus().length): number {
  const main = parseIni(SMTP_FILE, smtpIni ?? '').sections.filter(({ name }) => name === 'main')
  const nodes = main.flatMap(({ entries }) => entries).findLast(({ key }) => key === 'nodes')?.value
  if (nodes === 'cpus') return cpus
  return Math.max(1, Math.floor(Number(nodes)) || 1)
}
