// Configurations with one mistake each, as text files in this folder; here they are read, and put into a directory.
// `=== NAME` begins a file of Haraka's config directory, `=== NAME in latin1` one in that encoding of Node's,
// `=== NAME is a folder`, `=== NAME is a link to TARGET` and `=== NAME is 51 MB` are what no text can be.
// `=== environment` has variables, `=== says` the lines of `ses-bounce check` without its sum. What is above them all
// is a comment. A case that can't be read throws.

import { mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export interface BadConfig {
  /** `no such user` */
  title: string
  files: readonly CaseFile[]
  env: Readonly<Record<string, string>>
  /** The lines that `ses-bounce check` prints. */
  says: readonly string[]
}

interface CaseFile {
  name: string
  /** `in latin1`, `is a folder` */
  what: string
  text: string
}

const ENVIRONMENT = 'environment'
const SAYS = 'says'

export const badConfigs: readonly BadConfig[] = readdirSync(__dirname)
  .filter(name => name.endsWith('.txt'))
  .map(name => read(path.basename(name, '.txt'), readFileSync(path.join(__dirname, name), 'utf8')))

export function warnsOnly({ says }: BadConfig): boolean {
  return says.every(isWarning)
}

export function isWarning(line: string): boolean {
  return line.includes(' warning: ')
}

/** Puts a case's files into a directory, which is made. */
export function writeConfig(configDir: string, { files }: BadConfig): void {
  mkdirSync(configDir, { recursive: true })
  for (const file of files) writeCaseFile(path.join(configDir, file.name), file)
}

/** The text of each file by its name, for a case without other changes. */
export function textsOf({ files }: BadConfig): Map<string, string> {
  return new Map(files.filter(({ what }) => what === '').map(({ name, text }) => [name, text]))
}

function read(name: string, whole: string): BadConfig {
  // the pattern's groups stand between the texts
  const [, ...pieces] = whole.split(/^=== (\S+)(?: (.+))?\n/m)
  const files: CaseFile[] = []
  for (let at = 0; at < pieces.length; at += 3) {
    const [file = '', what = '', text = ''] = pieces.slice(at, at + 3)
    files.push({ name: file, what, text })
  }
  const linesOf = (part: string) =>
    (files.find(file => file.name === part)?.text ?? '').split('\n').filter(line => line !== '')
  return {
    title: name.replaceAll('-', ' '),
    files: files.filter(file => file.name !== ENVIRONMENT && file.name !== SAYS),
    env: Object.fromEntries(linesOf(ENVIRONMENT).map(line => line.split(/ = (.*)/).slice(0, 2))),
    says: linesOf(SAYS),
  }
}

function writeCaseFile(file: string, { what, text }: CaseFile): void {
  const [, encoding = 'utf8'] = /^in (\w+)$/.exec(what) ?? []
  const [, target] = /^is a link to (\S+)$/.exec(what) ?? []
  const [, megabytes] = /^is (\d+) MB$/.exec(what) ?? []
  if (what === 'is a folder') mkdirSync(file)
  else if (target !== undefined) symlinkSync(target, file)
  else if (Buffer.isEncoding(encoding)) writeFileSync(file, Buffer.from(text, encoding))
  else throw new Error(`${file}: what ${JSON.stringify(what)} means is not known`)
  if (megabytes !== undefined) truncateSync(file, Number(megabytes) * 1024 ** 2)
}
