  -- The tables of a queue file of version 11, the first that was released. This text is frozen: what changes later is in
  -- a numbered file in migrations/.

  -- A bounce to send, or sent: one call of SendBounce. sender_key and sender_domain are '' where it counts for no cap:
  -- split off another job.
  CREATE TABLE job (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    state TEXT NOT NULL
      CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'expired', 'held', 'cancelled')),
    region TEXT NOT NULL,
    ses_id TEXT NOT NULL,
    sender TEXT NOT NULL,
    bounce_sender TEXT NOT NULL,
    bounce_sender_arn TEXT,
    reporting_mta TEXT NOT NULL,
    explanation TEXT,
    received_ms INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    not_before_ms INTEGER NOT NULL DEFAULT 0,
    tries INTEGER NOT NULL DEFAULT 0,
    unknown_tries INTEGER NOT NULL DEFAULT 0,
    interruptions INTEGER NOT NULL DEFAULT 0,
    call_begun INTEGER NOT NULL DEFAULT 0,
    -- split off a refused call: no recipient joins it
    alone INTEGER NOT NULL DEFAULT 0,
    reason TEXT,
    message_id TEXT
  , sender_key TEXT NOT NULL DEFAULT '', sender_domain TEXT NOT NULL DEFAULT '');
  CREATE INDEX job_next ON job (region, deadline_ms, seq) WHERE state = 'queued';
  CREATE INDEX job_due ON job (region, not_before_ms) WHERE state = 'queued';
  CREATE INDEX job_sending ON job (region) WHERE state = 'sending';
  CREATE INDEX job_ses_id ON job (ses_id);
  CREATE INDEX job_ended ON job (changed_ms) WHERE state IN ('sent', 'failed', 'expired', 'cancelled');

  CREATE TABLE recipient (
    ses_id TEXT NOT NULL,
    address_key TEXT NOT NULL,
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    address TEXT NOT NULL,
    bounce_type TEXT NOT NULL,
    status TEXT NOT NULL,
    diagnostic TEXT NOT NULL,
    rule TEXT NOT NULL,
    added_ms INTEGER NOT NULL,
    PRIMARY KEY (ses_id, address_key)
  ) WITHOUT ROWID;
  CREATE INDEX recipient_job ON recipient (job);

  CREATE TABLE event (
    job INTEGER NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL
  );
  CREATE INDEX event_job ON event (job);

  -- Monotonic times are of the boot beside them.
  -- spacing_ms: from the start of a call to the next one's, as slot.least_ms counts it.
  -- slowdown: how many times as long as configured the interval between calls is, since SES throttles.
  CREATE TABLE region (
    name TEXT PRIMARY KEY,
    boot_id TEXT NOT NULL DEFAULT '',
    last_start_mono_ms REAL NOT NULL DEFAULT 0
  , spacing_ms REAL NOT NULL DEFAULT 0, slowdown REAL NOT NULL DEFAULT 1) WITHOUT ROWID;

  -- The process that sends, and its last heartbeat.
  CREATE TABLE dispatcher (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    token TEXT NOT NULL,
    pid INTEGER NOT NULL,
    pid_start TEXT NOT NULL,
    pid_space TEXT NOT NULL,
    boot_id TEXT NOT NULL,
    beat_mono_ms REAL NOT NULL
  );

  -- For the caps.
  CREATE INDEX job_sender ON job (sender_key, created_ms);
  CREATE INDEX job_domain ON job (sender_domain, created_ms);
  CREATE INDEX recipient_rule ON recipient (rule, added_ms);

  -- Set by hand. region '': every region
  CREATE TABLE pause (
    region TEXT PRIMARY KEY,
    since_ms INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- The queued jobs of each region by the second of their deadline, summed up in a tree of four levels: 1 s, 16 s, 256 s
  -- and 4096 s (src/queue/sqlite/slots.ts). Triggers keep it, so that no writer of the file can forget to.
  -- least_ms: of its jobs' deadlines, less spacing_ms for each job that goes before within the slot of the level above.
  -- Not kept on the lowest level: a handful of seconds is soon gone through, and a new spacing changes nothing there.
  CREATE TABLE slot (
    region TEXT NOT NULL,
    span_ms INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    jobs INTEGER NOT NULL,
    least_ms REAL,
    PRIMARY KEY (region, span_ms, at_ms)
  ) WITHOUT ROWID;

  CREATE VIEW slot_change AS SELECT '' AS region, 0 AS deadline_ms, 0 AS jobs, 0 AS spacing_ms WHERE FALSE;

  CREATE TRIGGER slot_change INSTEAD OF INSERT ON slot_change BEGIN
    INSERT INTO slot (region, span_ms, at_ms, jobs)
      VALUES (NEW.region, 1000, (NEW.deadline_ms - NEW.deadline_ms % 1000), NEW.jobs)
      ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs;
    DELETE FROM slot WHERE region = NEW.region AND span_ms = 1000
      AND at_ms = (NEW.deadline_ms - NEW.deadline_ms % 1000) AND jobs <= 0;
    
    INSERT OR REPLACE INTO slot SELECT NEW.region, 16000, (NEW.deadline_ms - NEW.deadline_ms % 16000), jobs, COALESCE(least, 0) - NEW.spacing_ms
        * (SELECT COALESCE(SUM(jobs), 0) FROM slot WHERE region = NEW.region AND span_ms = 16000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 256000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 256000) + 256000 AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 16000))
      FROM (SELECT COALESCE(SUM(jobs), 0) AS jobs, MIN(least) AS least FROM (SELECT *, at_ms - spacing * (SUM(jobs) OVER (ORDER BY at_ms) - 1) AS least FROM (SELECT *, NEW.spacing_ms AS spacing FROM slot WHERE region = NEW.region AND span_ms = 1000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 16000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 16000) + 16000)));
    DELETE FROM slot WHERE region = NEW.region AND span_ms = 16000 AND at_ms = (NEW.deadline_ms - NEW.deadline_ms % 16000) AND jobs <= 0;
    UPDATE slot SET least_ms = least_ms - NEW.jobs * NEW.spacing_ms WHERE region = NEW.region AND span_ms = 16000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 256000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 256000) + 256000 AND at_ms > (NEW.deadline_ms - NEW.deadline_ms % 16000);
    INSERT OR REPLACE INTO slot SELECT NEW.region, 256000, (NEW.deadline_ms - NEW.deadline_ms % 256000), jobs, COALESCE(least, 0) - NEW.spacing_ms
        * (SELECT COALESCE(SUM(jobs), 0) FROM slot WHERE region = NEW.region AND span_ms = 256000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 4096000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 4096000) + 4096000 AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 256000))
      FROM (SELECT COALESCE(SUM(jobs), 0) AS jobs, MIN(least) AS least FROM (SELECT *, least_ms AS least FROM (SELECT *, NEW.spacing_ms AS spacing FROM slot WHERE region = NEW.region AND span_ms = 16000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 256000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 256000) + 256000)));
    DELETE FROM slot WHERE region = NEW.region AND span_ms = 256000 AND at_ms = (NEW.deadline_ms - NEW.deadline_ms % 256000) AND jobs <= 0;
    UPDATE slot SET least_ms = least_ms - NEW.jobs * NEW.spacing_ms WHERE region = NEW.region AND span_ms = 256000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 4096000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 4096000) + 4096000 AND at_ms > (NEW.deadline_ms - NEW.deadline_ms % 256000);
    INSERT OR REPLACE INTO slot SELECT NEW.region, 4096000, (NEW.deadline_ms - NEW.deadline_ms % 4096000), jobs, COALESCE(least, 0) - NEW.spacing_ms
        * (SELECT COALESCE(SUM(jobs), 0) FROM slot WHERE region = NEW.region AND span_ms = 4096000 AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 4096000))
      FROM (SELECT COALESCE(SUM(jobs), 0) AS jobs, MIN(least) AS least FROM (SELECT *, least_ms AS least FROM (SELECT *, NEW.spacing_ms AS spacing FROM slot WHERE region = NEW.region AND span_ms = 256000 AND at_ms >= (NEW.deadline_ms - NEW.deadline_ms % 4096000) AND at_ms < (NEW.deadline_ms - NEW.deadline_ms % 4096000) + 4096000)));
    DELETE FROM slot WHERE region = NEW.region AND span_ms = 4096000 AND at_ms = (NEW.deadline_ms - NEW.deadline_ms % 4096000) AND jobs <= 0;
    UPDATE slot SET least_ms = least_ms - NEW.jobs * NEW.spacing_ms WHERE region = NEW.region AND span_ms = 4096000 AND at_ms > (NEW.deadline_ms - NEW.deadline_ms % 4096000);
  END;

  CREATE TRIGGER job_slot_insert AFTER INSERT ON job WHEN NEW.state = 'queued' BEGIN INSERT INTO slot_change SELECT NEW.region, NEW.deadline_ms, 1,
    COALESCE((SELECT spacing_ms FROM region WHERE name = NEW.region), 0); END;

  CREATE TRIGGER job_slot_delete AFTER DELETE ON job WHEN OLD.state = 'queued' BEGIN INSERT INTO slot_change SELECT OLD.region, OLD.deadline_ms, -1,
    COALESCE((SELECT spacing_ms FROM region WHERE name = OLD.region), 0); END;

  CREATE TRIGGER job_slot_leave AFTER UPDATE OF state, region, deadline_ms ON job
  WHEN OLD.state = 'queued' AND (NEW.state, NEW.region, NEW.deadline_ms)
    IS NOT (OLD.state, OLD.region, OLD.deadline_ms) BEGIN INSERT INTO slot_change SELECT OLD.region, OLD.deadline_ms, -1,
    COALESCE((SELECT spacing_ms FROM region WHERE name = OLD.region), 0); END;

  CREATE TRIGGER job_slot_come AFTER UPDATE OF state, region, deadline_ms ON job
  WHEN NEW.state = 'queued' AND (NEW.state, NEW.region, NEW.deadline_ms)
    IS NOT (OLD.state, OLD.region, OLD.deadline_ms) BEGIN INSERT INTO slot_change SELECT NEW.region, NEW.deadline_ms, 1,
    COALESCE((SELECT spacing_ms FROM region WHERE name = NEW.region), 0); END;

  -- Regions and bounce senders from which SES accepts nothing at the moment. bounce_sender '': the whole region
  CREATE TABLE blocked (
    region TEXT NOT NULL,
    bounce_sender TEXT NOT NULL,
    until_ms INTEGER NOT NULL,
    -- by refusals in a row, not by an answer that says so
    by_refusals INTEGER NOT NULL,
    PRIMARY KEY (region, bounce_sender)
  ) WITHOUT ROWID;

  -- Refused since the last bounce that SES made for that sender, all with the same error; or put back since they were.
  CREATE TABLE refused (
    job INTEGER PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
    region TEXT NOT NULL,
    bounce_sender TEXT NOT NULL,
    error TEXT NOT NULL,
    put_back INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX refused_sender ON refused (region, bounce_sender);

  -- Answers to requests of the API that came with an idempotency key.
  CREATE TABLE answer (
    key TEXT PRIMARY KEY,
    digest TEXT NOT NULL,
    answer TEXT NOT NULL,
    at_ms INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX answer_at ON answer (at_ms);

  -- Of an expression, so that it is used where it is asked for: in a long queue most jobs are queued.
  CREATE INDEX job_state ON job (state || '');

  CREATE TABLE counter (
    name TEXT NOT NULL,
    -- as JSON, in the order of their names
    labels TEXT NOT NULL,
    value REAL NOT NULL,
    PRIMARY KEY (name, labels)
  ) WITHOUT ROWID;

  CREATE TABLE rule_hit (
    rule TEXT PRIMARY KEY,
    hits INTEGER NOT NULL,
    last_ms INTEGER NOT NULL
  ) WITHOUT ROWID;

  -- The latest only. rule '': none decided; reason '': it needed none; sender '': the null sender
  CREATE TABLE decision (
    seq INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    ses_id TEXT,
    recipient TEXT NOT NULL,
    rule TEXT NOT NULL,
    action TEXT NOT NULL,
    reason TEXT NOT NULL,
    observed INTEGER NOT NULL
  , sender TEXT, detail TEXT NOT NULL DEFAULT '');

  CREATE TABLE reload (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    taken_ms INTEGER,
    refused_ms INTEGER,
    errors TEXT NOT NULL DEFAULT '[]',
    is_refused INTEGER NOT NULL DEFAULT 0,
    -- states of the files that were counted, as JSON, the latest last
    known TEXT NOT NULL DEFAULT '[]'
  );

  -- How many jobs there are of each state in each region. Triggers keep it.
  CREATE TABLE job_count (
    region TEXT NOT NULL,
    state TEXT NOT NULL,
    jobs INTEGER NOT NULL,
    PRIMARY KEY (region, state)
  ) WITHOUT ROWID;

  CREATE TRIGGER job_count_insert AFTER INSERT ON job BEGIN INSERT INTO job_count VALUES (NEW.region, NEW.state, 1)
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs; END;

  CREATE TRIGGER job_count_delete AFTER DELETE ON job BEGIN INSERT INTO job_count VALUES (OLD.region, OLD.state, -1)
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs; END;

  CREATE TRIGGER job_count_update AFTER UPDATE OF state, region ON job
  WHEN (NEW.state, NEW.region) IS NOT (OLD.state, OLD.region) BEGIN INSERT INTO job_count VALUES (OLD.region, OLD.state, -1)
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs; INSERT INTO job_count VALUES (NEW.region, NEW.state, 1)
    ON CONFLICT DO UPDATE SET jobs = jobs + excluded.jobs; END;

  -- In the order of a page: of an address that very many mails are for, no more is looked at than the page holds.
  CREATE INDEX recipient_address ON recipient (address_key, job);

  -- What came and what ended, by spans of five minutes; a day of it is kept. Triggers keep it.
  -- came: new jobs, and those that were tried again after their end
  CREATE TABLE span (
    at_ms INTEGER PRIMARY KEY,
    came INTEGER NOT NULL,
    sent INTEGER NOT NULL,
    others INTEGER NOT NULL
  );

  CREATE TRIGGER span_insert AFTER INSERT ON span BEGIN
    DELETE FROM span WHERE at_ms < NEW.at_ms - 86400000;
  END;

  CREATE TRIGGER job_span_insert AFTER INSERT ON job WHEN NEW.state IN ('queued', 'sending', 'held') BEGIN INSERT INTO span VALUES (CAST(NEW.changed_ms AS INTEGER) / 300000 * 300000, 1, 0, 0)
    ON CONFLICT DO UPDATE SET came = came + excluded.came, sent = sent + excluded.sent, others = others + excluded.others; END;

  CREATE TRIGGER job_span_end AFTER UPDATE OF state ON job WHEN OLD.state IN ('queued', 'sending', 'held') AND NEW.state IN ('sent', 'failed', 'expired', 'cancelled')
  BEGIN INSERT INTO span VALUES (CAST(NEW.changed_ms AS INTEGER) / 300000 * 300000, 0, NEW.state = 'sent', NEW.state <> 'sent')
    ON CONFLICT DO UPDATE SET came = came + excluded.came, sent = sent + excluded.sent, others = others + excluded.others; END;

  CREATE TRIGGER job_span_back AFTER UPDATE OF state ON job WHEN OLD.state IN ('sent', 'failed', 'expired', 'cancelled') AND NEW.state IN ('queued', 'sending', 'held')
  BEGIN INSERT INTO span VALUES (CAST(NEW.changed_ms AS INTEGER) / 300000 * 300000, 1, 0, 0)
    ON CONFLICT DO UPDATE SET came = came + excluded.came, sent = sent + excluded.sent, others = others + excluded.others; END;

  -- Signs the sessions of the status page. As old as the file.
  CREATE TABLE secret (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    value TEXT NOT NULL
  );
  INSERT INTO secret VALUES (1, lower(hex(randomblob(32))));
