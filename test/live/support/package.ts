// The package as npm would publish it, and a Haraka directory that has it installed.
// Made of the build in dist/; without one, packing throws.

import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { checkout } from './directory'

export interface Manifest {
  name: string
  version: string
  main: string
  types: string
  bin: Record<string, string>
  scripts: Record<string, string>
  dependencies: Record<string, string>
  devDependencies: Record<string, string>
}

export interface Packed {
  /** Paths in the package, with slashes. */
  files: string[]
  manifest: Manifest
  text: (file: string) => string
}

/** Packs the checkout and unpacks it into `folder`, which is made. */
export function packInto(folder: string): Packed {
  mkdirSync(folder, { recursive: true })
  const pack = ['pack', '--ignore-scripts', '--loglevel=error', '--pack-destination', path.dirname(folder)]
  const tarball = execFileSync('npm', pack, { cwd: checkout, encoding: 'utf8', stdio: 'pipe' }).trim()
  const file = path.join(path.dirname(folder), tarball)
  execFileSync('tar', ['-xzf', file, '-C', folder, '--strip-components=1'])
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile())
    .map(entry => path.relative(folder, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, '/'))
  const text = (name: string): string => readFileSync(path.join(folder, name), 'utf8')
  return { files, text, manifest: JSON.parse(text('package.json')) as Manifest }
}

/** Does the same as `npm install` of the package; its dependencies, and no others, are links to ours. */
export function installInto(dir: string): Packed {
  const modules = path.join(dir, 'node_modules')
  const packed = packInto(path.join(modules, 'haraka-plugin-ses-bounce'))
  for (const name of Object.keys(packed.manifest.dependencies)) {
    const link = path.join(modules, name)
    mkdirSync(path.dirname(link), { recursive: true })
    symlinkSync(path.join(checkout, 'node_modules', name), link)
  }
  const commands = path.join(modules, '.bin')
  mkdirSync(commands)
  for (const [command, file] of Object.entries(packed.manifest.bin)) {
    symlinkSync(path.join(modules, packed.manifest.name, file), path.join(commands, command))
  }
  return packed
}
