// Run by node, with Haraka's package and Haraka directories as arguments: Haraka's own loader loads the plugins of each.
// How that ends is logged as haraka.js does it. A marker with the directory stands above what is said of it.

const { realpathSync } = require('node:fs')
const path = require('node:path')

const [haraka, ...dirs] = process.argv.slice(2)
const configPackage = path.dirname(realpathSync(require.resolve('haraka-config', { paths: [haraka] })))

for (const dir of dirs) {
  process.env.HARAKA = path.resolve(dir)
  forget()
  const logger = require(path.join(haraka, 'logger'))
  const plugins = require(path.join(haraka, 'plugins'))
  process.stdout.write(`=== ${dir}\n`)
  try {
    plugins.load_plugins()
    plugins.shutdown_plugins()
  } catch (error) {
    logger.crit('Caught exception:', error)
    logger.dump_logs()
  }
}
// a Haraka watches its files for ever
process.stdout.write('', () => process.exit(0))

/** What Haraka knows of one directory it must not know in the next. */
function forget() {
  for (const file of Object.keys(require.cache)) {
    if (file.startsWith(haraka) || file.startsWith(configPackage)) delete require.cache[file]
  }
}
