// The table of [queue].

import {
  certificateFile,
  databasePassword,
  databaseUrl,
  hostName,
  MACHINE_NAME,
  schemaName,
} from '../database-parsers'
import { DAY, HOUR, key, SECOND } from '../key'
import { queueFile } from '../ses-parsers'
import { queueStore } from '../store-parsers'
import { boolean, choice, count, duration, durationRange } from '../value-parsers'

export const QUEUE = {
  store: key(
    queueStore,
    'sqlite',
    'where jobs are kept: sqlite, a file of this host; postgres, a database that several hosts share',
    { note: 'Like all keys of the database but password it takes effect when Haraka starts again.' },
  ),
  path: key(
    queueFile,
    'ses-bounce/queue.sqlite',
    'the file of sqlite, in the Haraka directory; on a local disk that survives a restart',
    { note: 'Network file systems are refused.' },
  ),
  url: key(databaseUrl, '', 'the database of postgres: user, host, port and name, without the password', {
    example: 'postgres://bounces@db.example.com:5432/mail',
    note: 'It must lead to the writer. PostgreSQL 14 or later; Amazon RDS and Aurora PostgreSQL too, but not Aurora DSQL.',
  }),
  password: key(databasePassword, '', 'the password of its user: env:NAME, file:/PATH, or aws-iam', {
    example: 'env:PGPASSWORD',
    note: 'A file is read for each new connection. aws-iam: a token of Amazon RDS, by the credentials of the AWS SDK; it needs the package @aws-sdk/rds-signer.',
  }),
  ca: key(
    certificateFile,
    '',
    "certificates that the server's must lead to: a file in config/; empty: the system's",
    {
      example: 'rds-bundle.pem',
      note: 'TLS is always verified, except to this machine.',
    },
  ),
  schema: key(schemaName, 'ses_bounce', 'the schema of the tables: each has a queue of its own'),
  connections: key(
    count({ min: 1, max: 20 }),
    '2',
    'the most connections to the database, of each worker and of the dispatcher',
  ),
  timeout: key(
    duration({ min: 100, max: 10 * SECOND }),
    '2s',
    'the time limit of an answer of the database; mail waits twice as long at most, and gets 450 then',
  ),
  migrate: key(
    choice(['boot', 'by hand']),
    'boot',
    'who changes the tables for a newer version: boot, the first process of it; by hand, `ses-bounce queue migrate`',
  ),
  host: key(hostName, MACHINE_NAME, "this host's name in views, metrics and history of a shared queue"),
  keep: key(
    duration({
      min: 25 * HOUR,
      max: 3650 * DAY,
      minReason: 'a relay can deliver a mail again as long as SES accepts bounces for it',
    }),
    '7d',
    'the time for which ended jobs stay on record; at least 25h',
  ),
  keep_mail: key(
    boolean,
    'true',
    'the raw mail is kept until SES has made its bounces; mail whose bounce fails goes to the quarantine',
    { note: 'With false a mail is lost when its bounce fails, expires or is cancelled.' },
  ),
  retry: key(
    durationRange({ min: 10, max: DAY }),
    '2s..10m',
    'the shortest and longest pause between two attempts',
  ),
  unknown_tries: key(
    count({ min: 1, max: 100 }),
    '3',
    'the attempts at a call whose outcome is unknown; then its job is held',
  ),
}
