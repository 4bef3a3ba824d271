// How many jobs there are of each state in each region, so that nobody has to count them.
// Triggers in schema.sql keep it: no writer of the file can forget to.

import type { JobState } from '../job'
import type { Database } from './database'
import { text } from './rows'

export interface JobCount {
  region: string
  state: JobState
  jobs: number
}

/** States and regions that a job was once of; maybe none is now. */
export function jobCounts(database: Database): JobCount[] {
  return database.all('SELECT region, state, jobs FROM job_count ORDER BY region, state').map(row => ({
    region: text(row['region']),
    state: text(row['state']) as JobState,
    jobs: Number(row['jobs']),
  }))
}
