-- The tables of a queue that several hosts share. Runs with search_path set to the schema of the queue.
-- Times named _ms are of the database's clock, in milliseconds since 1970; deadline_ms and received_ms are SES's.
-- Every transaction that changes a job locks the row of turn first, so that caps, counts and forecasts are exact.

-- version: of the tables. least_reader: the oldest version of the program that can work with them.
-- secret: signs the sessions of the status page.
CREATE TABLE meta (
  one integer PRIMARY KEY CHECK (one = 1),
  version integer NOT NULL,
  least_reader integer NOT NULL,
  made_ms bigint NOT NULL,
  secret text NOT NULL
);

CREATE TABLE turn (one integer PRIMARY KEY CHECK (one = 1));
INSERT INTO turn VALUES (1);

-- The dispatcher that leads. term grows by one each time that a dispatcher takes the lead; token '': nobody leads now.
-- beat grows by one with each heartbeat; beat_ms is for views only.
CREATE TABLE leader (
  one integer PRIMARY KEY CHECK (one = 1),
  term bigint NOT NULL,
  token text NOT NULL,
  host text NOT NULL,
  beat bigint NOT NULL,
  beat_ms bigint NOT NULL
);
INSERT INTO leader VALUES (1, 0, '', '', 0, 0);

-- The hosts that have been seen lately. config: digest of all configuration files.
CREATE TABLE host (
  id text PRIMARY KEY,
  name text NOT NULL,
  version text NOT NULL,
  config text NOT NULL,
  started_ms bigint NOT NULL,
  seen_ms bigint NOT NULL,
  skew_ms double precision NOT NULL DEFAULT 0
);

-- A bounce to send, or sent: one call of SendBounce. sender_key and sender_domain are '' where it counts for no cap.
-- claims: how many times it was given to a dispatcher. settled: [claim, state, changes], the answer when the last of
-- these claims was settled. region: a lane, so with an account in front of it where there are several.
CREATE TABLE job (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id text COLLATE "C" NOT NULL UNIQUE,
  state text NOT NULL
    CHECK (state IN ('queued', 'sending', 'sent', 'failed', 'expired', 'held', 'cancelled')),
  region text COLLATE "C" NOT NULL,
  ses_id text COLLATE "C" NOT NULL,
  sender text COLLATE "C" NOT NULL,
  sender_key text COLLATE "C" NOT NULL DEFAULT '',
  sender_domain text COLLATE "C" NOT NULL DEFAULT '',
  bounce_sender text COLLATE "C" NOT NULL,
  bounce_sender_arn text,
  reporting_mta text NOT NULL,
  explanation text,
  received_ms bigint NOT NULL,
  deadline_ms bigint NOT NULL,
  created_ms bigint NOT NULL,
  changed_ms bigint NOT NULL,
  not_before_ms bigint NOT NULL DEFAULT 0,
  tries integer NOT NULL DEFAULT 0,
  unknown_tries integer NOT NULL DEFAULT 0,
  interruptions integer NOT NULL DEFAULT 0,
  call_begun boolean NOT NULL DEFAULT false,
  -- split off a refused call, or of an unconfirmed recipient: no recipient joins it
  alone boolean NOT NULL DEFAULT false,
  reason text,
  message_id text,
  claims integer NOT NULL DEFAULT 0,
  settled jsonb
);
CREATE INDEX job_next ON job (region, deadline_ms, seq) WHERE state = 'queued';
CREATE INDEX job_due ON job (region, not_before_ms) WHERE state = 'queued';
CREATE INDEX job_sending ON job (region) WHERE state = 'sending';
CREATE INDEX job_ended ON job (changed_ms DESC, seq) WHERE state IN ('sent', 'failed', 'expired', 'cancelled');
CREATE INDEX job_state ON job (state, seq);
CREATE INDEX job_sender ON job (sender_key, created_ms);
CREATE INDEX job_domain ON job (sender_domain, created_ms);

-- unconfirmed: 1 where nothing in the mail says that SES had the recipient, 2 once SES has refused the bounce.
-- kept: the name of the raw mail that was kept for the recipient.
CREATE TABLE recipient (
  ses_id text COLLATE "C" NOT NULL,
  address_key text COLLATE "C" NOT NULL,
  job bigint NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
  address text NOT NULL,
  bounce_type text NOT NULL,
  status text NOT NULL,
  diagnostic text NOT NULL,
  rule text COLLATE "C" NOT NULL,
  added_ms bigint NOT NULL,
  unconfirmed integer NOT NULL DEFAULT 0,
  kept text COLLATE "C",
  PRIMARY KEY (ses_id, address_key)
);
CREATE INDEX recipient_job ON recipient (job);
CREATE INDEX recipient_rule ON recipient (rule, added_ms);
CREATE INDEX recipient_address ON recipient (address_key, job);
CREATE INDEX recipient_kept ON recipient (kept) WHERE kept IS NOT NULL;
CREATE INDEX recipient_refused ON recipient (job) WHERE unconfirmed = 2;

-- A job's history, in the order of its numbers.
CREATE TABLE event (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  job bigint NOT NULL REFERENCES job (seq) ON DELETE CASCADE,
  at_ms bigint NOT NULL,
  what text NOT NULL,
  detail text NOT NULL
);
CREATE INDEX event_job ON event (job, number);
CREATE INDEX event_at ON event (at_ms);

-- spacing_ms: from the start of a call to the next one's, as forecasts count. slowdown: how many times as long as set
-- the interval between calls is, since SES throttles. last_start_ms: 0 before the first call; in the future: planned.
CREATE TABLE region (
  name text COLLATE "C" PRIMARY KEY,
  spacing_ms double precision NOT NULL DEFAULT 0,
  slowdown double precision NOT NULL DEFAULT 1,
  last_start_ms double precision NOT NULL DEFAULT 0
);

-- Set by hand. region '': every region.
CREATE TABLE pause (
  region text COLLATE "C" PRIMARY KEY,
  since_ms bigint NOT NULL
);

-- Regions and bounce senders from which SES accepts nothing at the moment. bounce_sender '': the whole region.
-- by_refusals: by refusals in a row, not by an answer that says so.
CREATE TABLE blocked (
  region text COLLATE "C" NOT NULL,
  bounce_sender text COLLATE "C" NOT NULL,
  until_ms bigint NOT NULL,
  by_refusals boolean NOT NULL,
  PRIMARY KEY (region, bounce_sender)
);

-- Refused since the last bounce that SES made for that sender, all with the same error; or put back since they were.
CREATE TABLE refused (
  job bigint PRIMARY KEY REFERENCES job (seq) ON DELETE CASCADE,
  region text COLLATE "C" NOT NULL,
  bounce_sender text COLLATE "C" NOT NULL,
  error text NOT NULL,
  put_back boolean NOT NULL DEFAULT false
);
CREATE INDEX refused_sender ON refused (region, bounce_sender);

-- The results of submissions with an idempotency key.
CREATE TABLE answer (
  key text COLLATE "C" PRIMARY KEY,
  digest text NOT NULL,
  results jsonb NOT NULL,
  at_ms bigint NOT NULL
);
CREATE INDEX answer_at ON answer (at_ms);

-- How many jobs there are of each state in each region. A trigger keeps it.
CREATE TABLE job_count (
  region text COLLATE "C" NOT NULL,
  state text NOT NULL,
  jobs bigint NOT NULL,
  PRIMARY KEY (region, state)
);

-- Jobs that came and ended, by buckets of five minutes; a day of it is kept. A trigger keeps it.
CREATE TABLE activity (
  at_ms bigint PRIMARY KEY,
  came bigint NOT NULL,
  sent bigint NOT NULL,
  others bigint NOT NULL
);

-- The counts of each host's processes. host '': of hosts that are gone. labels: as JSON, in the order of their names.
CREATE TABLE counter (
  host text COLLATE "C" NOT NULL,
  name text COLLATE "C" NOT NULL,
  labels text COLLATE "C" NOT NULL,
  value double precision NOT NULL,
  PRIMARY KEY (host, name, labels)
);

CREATE TABLE rule_hit (
  host text COLLATE "C" NOT NULL,
  rule text COLLATE "C" NOT NULL,
  hits bigint NOT NULL,
  last_ms bigint NOT NULL,
  PRIMARY KEY (host, rule)
);

-- The latest only. rule '': none decided; reason '': it needed none; sender '': the null sender.
CREATE TABLE decision (
  seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at_ms bigint NOT NULL,
  ses_id text,
  sender text,
  recipient text NOT NULL,
  rule text NOT NULL,
  action text NOT NULL,
  reason text NOT NULL,
  detail text NOT NULL DEFAULT '',
  observed boolean NOT NULL
);

-- The readings of each host's configuration files. known: states of the files that were counted, the latest last.
-- counted_ms: when one of the host's processes last added to its counts.
CREATE TABLE reload (
  host text COLLATE "C" PRIMARY KEY,
  counted_ms bigint NOT NULL DEFAULT 0,
  taken_ms bigint,
  refused_ms bigint,
  errors jsonb NOT NULL DEFAULT '[]',
  is_refused boolean NOT NULL DEFAULT false,
  known jsonb NOT NULL DEFAULT '[]'
);

-- Mails with one RCPT TO, by the hour in which they came; a day of it is kept.
CREATE TABLE only_recipient (
  hour_ms bigint PRIMARY KEY,
  mails bigint NOT NULL,
  beside_for bigint NOT NULL
);

-- Sessions of the status page that were ended before their time.
CREATE TABLE ended_session (
  id text PRIMARY KEY,
  end_ms bigint NOT NULL
);

-- Mail in the quarantine's store, or kept for its bounce. home: the store (a folder, or s3://BUCKET/PREFIX).
-- removing_ms: since then it is about to be deleted, and no recipient may come to need it any more.
CREATE TABLE mail_file (
  home text COLLATE "C" NOT NULL,
  place text COLLATE "C" NOT NULL CHECK (place IN ('kept', 'quarantine')),
  name text COLLATE "C" NOT NULL,
  sender_key text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  at_ms bigint NOT NULL,
  removing_ms bigint,
  PRIMARY KEY (home, place, name)
);
CREATE INDEX mail_file_name ON mail_file (name);
CREATE TABLE mail_total (
  home text COLLATE "C" NOT NULL,
  place text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  mails bigint NOT NULL,
  PRIMARY KEY (home, place)
);
CREATE TABLE mail_of_sender (
  home text COLLATE "C" NOT NULL,
  sender_key text COLLATE "C" NOT NULL,
  bytes bigint NOT NULL,
  mails bigint NOT NULL,
  PRIMARY KEY (home, sender_key)
);

-- Kept mail that is to be deleted, or moved to the quarantine, as one of its jobs has ended. changes: a job that
-- changes while the file is dealt with isn't missed.
CREATE TABLE kept_due (
  name text COLLATE "C" PRIMARY KEY,
  changes bigint NOT NULL DEFAULT 1,
  since_ms bigint NOT NULL
);

-- Tokens with which a mail from the quarantine passes the rules once: a release may reach another host.
-- digest: SHA-256 of the token, in hexadecimal.
CREATE TABLE release_token (
  digest text PRIMARY KEY,
  until_ms bigint NOT NULL
);
