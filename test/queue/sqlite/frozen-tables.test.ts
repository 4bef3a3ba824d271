// The text of the tables is frozen once it is released: a queue file must be the same whichever version made it.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { SCHEMA_STEPS } from '../../../src/queue/sqlite/schema'

const FOLDER = path.join(__dirname, '../../../src/queue/sqlite')
const MIGRATIONS = path.join(FOLDER, 'migrations')

/** SHA-256 of each text. Never changed after a release: what changes later is a new numbered file. */
const FROZEN: Record<string, string> = {
  'schema.sql': 'd32eb54b1165304548eb57249084411976acd1732dd36408588c6c8263291a02',
  'migrations/012-unconfirmed.sql': 'd1c936c40190943e829aa6b7228c59fa5e8ef2ecd0edbabe47a7c12400c1568c',
  'migrations/013-kept-mail.sql': '1abf7ca230cb233c65703caa9e41efbc9c432853d1739f39fba94b00c0b9ac45',
  'migrations/014-ended-sessions.sql': '4be9cf93e4827b7b2266a5c19a36cc01fbaad490cfc828d76a797e6d7085e768',
  'migrations/015-claims.sql': 'd60a3c24a9ea34c89b170a809f9f503d05ce015c475fcf494e0c94018f25c457',
  'migrations/016-deadline-changes.sql': '9a639cb0e67c12e9aab614823c7693ed9372e61802288c83dd4ae241f15e014d',
  'migrations/017-removals.sql': 'd33c0a2ec82e542508b1a143e3cb254d2ce6627fb050434de9688ebfb198b8f6',
  'migrations/018-audit.sql': 'e3baa854528b28003fc24cf226179618f2356be988504f79722379c1656c4269',
  'migrations/019-quarantine-list.sql': '8cd0dac53742beb8044418999a97ee9d18586fa84d8f9214c87b31f770b34842',
  'migrations/020-flushed.sql': 'ebf7fdbedd4f978237c60f02c733d8814ee308f0b95a95f3a17a578eeacb5999',
}

describe('the text of the tables', () => {
  it('is what was released', () => {
    const hashes = Object.keys(FROZEN).map(name => [name, hashOf(path.join(FOLDER, name))])
    assert.deepEqual(Object.fromEntries(hashes), FROZEN)
  })

  it('is frozen in every file that there is, and numbered without a gap from 12 on', () => {
    const names = existsSync(MIGRATIONS) ? readdirSync(MIGRATIONS).toSorted() : []
    assert.deepEqual(
      Object.keys(FROZEN),
      ['schema.sql', ...names.map(name => `migrations/${name}`)],
      'each file has its hash here',
    )
    for (const name of names) assert.match(name, /^\d{3}-[a-z0-9-]+\.sql$/)
    assert.deepEqual(
      SCHEMA_STEPS.map(({ version }) => version),
      SCHEMA_STEPS.map((_, index) => 11 + index),
    )
  })
})

function hashOf(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}
