// Tests the product with every Node.js that it supports: the build, the demo, and the packed package in a Haraka.
// npm installs each Node.js into a temporary folder outside the project. A version that isn't available is skipped, and
// named.   node scripts/node-matrix.js [version ...] Last line: `N passed, N failed`.

const { spawn } = require('node:child_process')
const events = require('node:events')
const fs = require('node:fs')
const os = require('node:os')
const path = require('node:path')
const { ERROR_LINES, printResult } = require('./failures')

const root = path.join(__dirname, '..')
/** The lowest version that package.json allows, and the current ones of the other two lines. */
const VERSIONS = ['20.19.0', '22.23.3', '24.21.0']
/** Not copied: the copy has its own build, and a link to the packages. */
const NOT_COPIED = new Set(['.git', 'node_modules', 'dist'])
/** Twenty times the usual duration on two cores. */
const LONGEST_MS = 600_000

const SMOKES = {
  'the build': ['scripts/build.js'],
  'the demo': ['dist/demo/main.js', '--once'],
  'the packed package in a Haraka': ['node_modules/mocha/bin/mocha.js', 'test/live/package.test.ts'],
}

async function main() {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'node-matrix-'))
  const results = { passed: 0, failures: [] }
  try {
    const copy = path.join(folder, 'project')
    fs.cpSync(root, copy, { recursive: true, filter: from => !NOT_COPIED.has(path.relative(root, from)) })
    fs.symlinkSync(path.join(root, 'node_modules'), path.join(copy, 'node_modules'))
    const asked = process.argv.slice(2)
    for (const version of asked.length > 0 ? asked : VERSIONS) await tryWith(version, folder, copy, results)
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
  printResult(results.passed, results.failures)
}

async function tryWith(version, folder, copy, results) {
  const { node, why } = await fetchNode(version, folder)
  if (node === undefined) {
    console.log(`Node.js ${version}: skipped, it can't be fetched: ${why}`)
    return
  }
  // npm and Haraka's workers find it by its name
  const env = { ...process.env, PATH: `${path.dirname(node)}${path.delimiter}${process.env.PATH}` }
  for (const [what, args] of Object.entries(SMOKES)) {
    const startMs = Date.now()
    const { status, output } = await run(node, args, { cwd: copy, env })
    const seconds = Math.round((Date.now() - startMs) / 1000)
    const title = `Node.js ${version}: ${what}`
    if (status === 0) {
      results.passed += 1
      console.log(`${title}: passed (${seconds} s)`)
    } else {
      // the reason is at its end
      results.failures.push({
        title,
        file: args.at(-1),
        error: output.trim().split('\n').slice(-ERROR_LINES).join('\n'),
      })
      console.log(`${title}: failed (${status}) (${seconds} s)\n${output}`)
    }
  }
}

/** Installs the package that `node` depends on: the program alone, without install scripts. */
async function fetchNode(version, folder) {
  const system = process.platform === 'win32' ? 'win' : process.platform
  const name = `node-${system}-${process.arch}`
  const prefix = path.join(folder, version)
  fs.mkdirSync(prefix)
  const args = ['install', '--prefix', prefix, '--no-save', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = await run('npm', [...args, `${name}@${version}`], { cwd: prefix, env: process.env })
  const node = path.join(
    prefix,
    'node_modules',
    name,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  )
  if (npm.status !== 0) return { why: npm.output.trim().split('\n')[0] }
  const said = await run(node, ['--version'], { cwd: prefix, env: process.env })
  return said.output.trim() === `v${version}` ? { node } : { why: `${name} says ${said.output.trim()}` }
}

/** `output`: stdout and stderr in the order of their arrival. */
async function run(command, args, options) {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'], timeout: LONGEST_MS })
  const chunks = []
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => chunks.push(chunk))
  const error = events.once(child, 'error').then(([{ message }]) => ({ status: message, output: message }))
  const end = events.once(child, 'close').then(([code, signal]) => ({
    status: code ?? signal,
    output: Buffer.concat(chunks).toString(),
  }))
  end.catch(() => {})
  return Promise.race([end, error])
}

void main()
