// The number of jobs of each state in each region. Triggers in schema.sql update it, so no query counts jobs.

import type { JobState } from '../job'
import type { Database } from './database'
import { text } from './rows'

export interface JobCount {
  region: string
  state: JobState
  jobs: number
}

/** All states and regions that a job has ever had; a count may be 0. */
export function jobCounts(database: Database): JobCount[] {
  return database.all('SELECT region, state, jobs FROM job_count ORDER BY region, state').map(row => ({
    region: text(row['region']),
    state: text(row['state']) as JobState,
    jobs: Number(row['jobs']),
  }))
}
