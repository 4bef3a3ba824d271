// The texts that make a schema: steps/NNN-name.sql lead from version to version, and each file of functions/ makes one
// function, whose name ends with the number of its form, as hosts of two versions of the program work side by side. None
// names a schema. Released steps and functions are frozen.

import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

export interface SchemaStep {
  /** The version of the tables after the step. */
  version: number
  /** The oldest version that a program may need to work with these tables: `-- least_reader: 3` in the text. */
  leastReader?: number
  sql: string
}

export interface SchemaFunction {
  name: string
  sql: string
  /** Stored as the function's comment. */
  digest: string
}

export const SCHEMA_STEPS: readonly SchemaStep[] = textsOf('steps').map(({ name, sql }) => {
  const leastReader = /^-- least_reader: (\d+)$/m.exec(sql)?.[1]
  return {
    version: Number(name.slice(0, 3)),
    ...(leastReader !== undefined && { leastReader: Number(leastReader) }),
    sql,
  }
})

export const SCHEMA_FUNCTIONS: readonly SchemaFunction[] = textsOf('functions').map(({ sql }) => ({
  name: /^CREATE OR REPLACE FUNCTION (\w+)\(/m.exec(sql)?.[1] ?? '',
  sql: sql.trimEnd().replace(/;$/, ''),
  digest: createHash('sha256').update(sql).digest('hex'),
}))

/** The version of the tables that this program works with. */
export const NEEDED_VERSION = SCHEMA_STEPS.at(-1)?.version ?? 0

function textsOf(folder: string): { name: string; sql: string }[] {
  const inFolder = path.join(__dirname, folder)
  return readdirSync(inFolder)
    .filter(file => file.endsWith('.sql'))
    .toSorted()
    .map(file => ({
      name: file.slice(0, -'.sql'.length),
      sql: readFileSync(path.join(inFolder, file), 'utf8'),
    }))
}
