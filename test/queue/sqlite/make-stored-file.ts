// Stores a queue file of the newest version for the tests of later ones: see stored-file.ts.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import path from 'node:path'
import { SCHEMA_STEPS } from '../../../src/queue/sqlite/schema'
import { emptyTables, makeStoredFile, STORED_FILES } from './stored-file'

const file = path.join(STORED_FILES, `version-${SCHEMA_STEPS.at(-1)?.version}.sqlite`)
rmSync(file, { force: true })
makeStoredFile(file)
assert.deepEqual(emptyTables(file), [], 'tables without a row: fill them in stored-file.ts')
console.log(file)
