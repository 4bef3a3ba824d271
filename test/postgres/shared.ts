// One server for all tests that need nothing but a queue of their own: each has a schema there.
// scripts/test.js starts it for a whole run, and names its port; a test file by itself starts its own.

import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { DATABASE, LOGIN, startServer } from './server'

/** Set by scripts/test.js. */
const PORT = process.env['TEST_POSTGRES_PORT']

let port: Promise<number> | undefined

/** The port of the shared server on 127.0.0.1. */
export function sharedPort(): Promise<number> {
  // nobody stops it: it ends with this process
  port ??= PORT === undefined ? startServer().then(server => server.port) : Promise.resolve(Number(PORT))
  return port
}

export interface FreshSchema {
  url: string
  /** A name that nobody else uses. The product makes the schema. */
  schema: string
  /** Deletes the schema with all that is in it. */
  remove: () => Promise<void>
}

export async function freshSchema(): Promise<FreshSchema> {
  const url = `postgres://${LOGIN}@127.0.0.1:${await sharedPort()}/${DATABASE}`
  const schema = `test_${randomBytes(6).toString('hex')}`
  return { url, schema, remove: () => drop(url, schema) }
}

async function drop(url: string, schema: string): Promise<void> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  try {
    await client.query(`DROP SCHEMA IF EXISTS ${schema} CASCADE`)
  } finally {
    await client.end()
  }
}
