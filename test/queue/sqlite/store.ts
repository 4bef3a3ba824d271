// A queue in a file of its own.

import path from 'node:path'
import { Database } from '../../../src/queue/sqlite/database'
import * as sqlite from '../../../src/queue/sqlite/open'
import { HOME, type Store, storeOf } from '../store'
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
    (region, deadlines) => fillFile(file, region, deadlines),
    remove,
  )
}

function fillFile(file: string, region: string, deadlines: readonly number[]): void {
  const database = new Database(file, { busyMs: 0, create: false })
  database.write(() => {
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
  })
  database.close()
}
