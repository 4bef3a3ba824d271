// A queue in a file of its own.

import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import * as sqlite from '../../../src/queue/sqlite/open'
import { HOME, type Rows, type Store, storeOf } from '../store'
import { temporaryFolder } from '../support'

export async function sqliteStore(): Promise<Store> {
  const { folder, remove } = temporaryFolder()
  const file = path.join(folder, 'deep', 'queue.sqlite')
  sqlite.openWorkerQueue(file, { create: true }).close()
  return storeOf(
    {
      worker: () => sqlite.openWorkerQueue(file, { home: HOME }),
      dispatcher: () => sqlite.openDispatcherQueue(file),
      operator: () => sqlite.openOperatorQueue(file, { home: HOME }),
      reader: () => sqlite.openQueueReader(file, { home: HOME }),
      counters: () => sqlite.openCounterStore(file),
      ledger: home => sqlite.openMailLedger(file, home),
    },
    rowsOf(file),
    remove,
  )
}

function rowsOf(file: string): Rows {
  const write = (work: (database: Database) => void) => {
    const database = new Database(file, { busyMs: 0, create: false })
    database.write(() => work(database))
    database.close()
  }
  return {
    drop: id => write(database => database.run('DELETE FROM job WHERE id = ?', id)),
    fill: (region, deadlines) =>
      write(database => {
        database.run('DELETE FROM job')
        database.run('INSERT OR IGNORE INTO region (name) VALUES (?)', region)
        database.run(
          `INSERT INTO job (id, state, region, ses_id, sender, bounce_sender, reporting_mta, received_ms, deadline_ms,
             created_ms, changed_ms)
           SELECT 'job' || key, 'queued', ?, 'mail' || key, 's@origin.example', 'b@yours.example', 'dns; mx', 0, value, 0, 0
           FROM json_each(?)`,
          region,
          JSON.stringify(deadlines),
        )
      }),
    put: jobs =>
      write(database => {
        const text = JSON.stringify(jobs)
        database.run(
          `INSERT INTO job (id, state, region, ses_id, sender, sender_key, bounce_sender, reporting_mta, received_ms,
             deadline_ms, created_ms, changed_ms)
           SELECT value->>'id', value->>'state', value->>'region', value->>'sesId', value->>'sender',
             value->>'senderKey', 'b@yours.example', 'dns; mx', 0, key, key, key
           FROM json_each(?) ORDER BY key`,
          text,
        )
        database.run(
          `INSERT INTO recipient (ses_id, address_key, job, address, bounce_type, status, diagnostic, rule, added_ms)
           SELECT value->>'sesId', value->>'recipient', seq, value->>'recipient', 'DoesNotExist', '5.1.1', 'smtp; 550',
             value->>'rule', 0
           FROM json_each(?) JOIN job ON job.id = value->>'id'`,
          text,
        )
      }),
  }
}
