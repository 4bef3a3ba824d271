// Run by node in every Haraka of a test. Haraka loads a Redis client at its start (outbound/tls.js), for a third of the CPU
// time of the start; no test uses it. Here it is loaded when something of it is asked for.

const Module = require('node:module')

/** What require() calls for each package. */
const LOAD = '_load'
const load = Module[LOAD]

Module[LOAD] = function (request, parent, isMain) {
  const loadNow = () => load.call(this, request, parent, isMain)
  if (request !== 'redis' || !parent?.filename?.includes('haraka-plugin-redis')) return loadNow()
  return new Proxy({}, { get: (_, name) => loadNow()[name] })
}
