// How many jobs there are of each state in each region, so that nobody has to count them.
// Triggers keep it: no writer of the file can forget to.

import type { JobState } from '../job'
import type { Database } from './database'
import { text } from './rows'

export const JOB_COUNTS_STEP = `
  CREATE TABLE job_count (
    region TEXT NOT NULL,
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (region, state)
  ) WITHOUT ROWID;
  INSERT INTO job_count SELECT region, state, COUNT(*) FROM job GROUP BY region, state;

  CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN ${more('NEW', 1)} END;
  CREATE TRIGGER job_count_delete AFTER DELETE ON job BEGIN ${more('OLD', -1)} END;
  CREATE TRIGGER job_count_update AFTER UPDATE OF state, region ON job
  WHEN (NEW.state, NEW.region) IS NOT (OLD.state, OLD.region) BEGIN ${more('OLD', -1)} ${more('NEW', 1)} END;
`

function more(row: 'NEW' | 'OLD', jobs: number): string {
  return `INSERT INTO job_count VALUES (${row}.region, ${row}.state, ${jobs})
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs;`
}

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
