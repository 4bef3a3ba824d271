// Writes the files that are generated from the tables: the example ini files and the reference page.

const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const { GENERATED } = require(path.join(root, 'dist/src/reference/generated.js'))
for (const [name, write] of Object.entries(GENERATED)) fs.writeFileSync(path.join(root, name), write())
