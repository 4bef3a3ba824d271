// Run by node in every Haraka of a test. Some packages cost much of a start's CPU time, and most tests use nothing of them:
// here they are loaded when something of them is asked for.

const Module = require('node:module')

/** By package: in the path of the files that load it at their own start. */
const LAZY = {
  // Haraka's outbound/tls.js wants its plugin; a third of the start
  redis: 'haraka-plugin-redis',
  // for configuration in YAML; 40 ms
  yaml: 'haraka-config',
  // for the text of HTML mail, while the header alone is read with mailparser; 50 ms
  'html-to-text': 'mailparser',
}

/** What require() calls for each package. */
const LOAD = '_load'
const load = Module[LOAD]

Module[LOAD] = function (request, parent, isMain) {
  const loadNow = () => load.call(this, request, parent, isMain)
  if (!Object.hasOwn(LAZY, request) || !parent?.filename?.includes(LAZY[request])) return loadNow()
  return new Proxy({}, { get: (_, name) => loadNow()[name] })
}
