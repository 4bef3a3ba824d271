// Writes config/ses-bounce.ini from the table of settings, as it stands in the last build: npm run build first.

const fs = require('node:fs')
const path = require('node:path')

const root = path.join(__dirname, '..')
const { exampleSettings } = require(path.join(root, 'dist/src/settings/example.js'))
fs.writeFileSync(path.join(root, 'config/ses-bounce.ini'), exampleSettings())
