// All properties with data that no run of `npm test` has tried, and the costly ones twenty times as often. What fails
// names its seed.   `PROPERTY_SEED=123 PROPERTY_TIMES=100 npm run test:soak`

import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'

process.env['PROPERTY_TIMES'] ??= '20'
if (process.env['PROPERTY_SEED'] === undefined) fc.configureGlobal({ seed: Date.now() })

const tests = path.join(__dirname, '..')
const files = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter(file => file.endsWith('.test.ts'))
  .map(file => path.join(tests, file))
  .filter(file => readFileSync(file, 'utf8').includes('fc.assert('))
for (const file of files) require(file)
