// The database's own record of dispatchers that took the lead, and of calls that began, whatever the product says.
// Triggers write it down in the same transaction, with the address that the connection came from.

import type { PostgresServer } from '../../postgres/server'
import { SCHEMA } from './hosts'

/** A dispatcher took the lead. */
export interface LeadTaken {
  term: number
  host: string
  atMs: number
}

/** A call began, as the database has it on disk. */
export interface CallBegun {
  jobId: string
  sesId: string
  claim: number
  /** The address of the host that began it. */
  address: string
  /** The lead at that moment. */
  term: number
  leader: string
  atMs: number
}

/** A job came, or was given to a dispatcher. Writers take turns: the order of the numbers is what happened. */
export interface Step {
  number: number
  jobId: string
  what: 'added' | 'claimed'
}

const TABLES = `
CREATE SCHEMA audit;
GRANT USAGE ON SCHEMA audit TO PUBLIC;
CREATE TABLE audit.lead (n serial, term bigint, host text, at_ms float8);
CREATE TABLE audit.begun (n serial, job text, ses_id text, claim int, address text, term bigint, leader text, at_ms float8);
CREATE TABLE audit.step (n serial, job text, what text);
CREATE FUNCTION audit.note_lead() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO audit.lead (term, host, at_ms)
    VALUES (NEW.term, NEW.host, extract(epoch FROM clock_timestamp()) * 1000);
  RETURN NULL;
END $$;
CREATE FUNCTION audit.note_begun() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO audit.begun (job, ses_id, claim, address, term, leader, at_ms)
    SELECT NEW.id, NEW.ses_id, NEW.claims, host(inet_client_addr()), l.term, l.host,
      extract(epoch FROM clock_timestamp()) * 1000 FROM ${SCHEMA}.leader l;
  RETURN NULL;
END $$;
CREATE FUNCTION audit.note_step() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  INSERT INTO audit.step (job, what) VALUES (NEW.id, TG_ARGV[0]);
  RETURN NULL;
END $$;
CREATE TRIGGER note_added AFTER INSERT ON ${SCHEMA}.job FOR EACH ROW EXECUTE FUNCTION audit.note_step('added');
CREATE TRIGGER note_claimed AFTER UPDATE ON ${SCHEMA}.job FOR EACH ROW
  WHEN (NEW.claims IS DISTINCT FROM OLD.claims) EXECUTE FUNCTION audit.note_step('claimed');
CREATE TRIGGER note_lead AFTER UPDATE ON ${SCHEMA}.leader FOR EACH ROW
  WHEN (NEW.term IS DISTINCT FROM OLD.term) EXECUTE FUNCTION audit.note_lead();
CREATE TRIGGER note_begun AFTER UPDATE ON ${SCHEMA}.job FOR EACH ROW
  WHEN (NEW.call_begun AND NOT OLD.call_begun) EXECUTE FUNCTION audit.note_begun();
`

/** The tables of the queue are there. */
export async function installAudit(server: PostgresServer): Promise<void> {
  await server.query(TABLES, undefined, 'mail')
}

export async function readLeads(server: PostgresServer): Promise<LeadTaken[]> {
  const rows = await server.query<Record<string, string>>('SELECT * FROM audit.lead ORDER BY n', [], 'mail')
  return rows.map(({ term, host, at_ms }) => ({ term: Number(term), host: host ?? '', atMs: Number(at_ms) }))
}

export async function readBegun(server: PostgresServer): Promise<CallBegun[]> {
  const rows = await server.query<Record<string, string>>('SELECT * FROM audit.begun ORDER BY n', [], 'mail')
  return rows.map(row => ({
    jobId: row['job'] ?? '',
    sesId: row['ses_id'] ?? '',
    claim: Number(row['claim']),
    address: row['address'] ?? '',
    term: Number(row['term']),
    leader: row['leader'] ?? '',
    atMs: Number(row['at_ms']),
  }))
}

export async function readSteps(server: PostgresServer): Promise<Step[]> {
  const rows = await server.query<Record<string, string>>('SELECT * FROM audit.step ORDER BY n', [], 'mail')
  return rows.map(({ n, job = '', what }) => ({
    number: Number(n),
    jobId: job,
    what: what === 'added' ? 'added' : 'claimed',
  }))
}

/** The name of the host that leads. */
export async function leaderOf(server: PostgresServer): Promise<string | undefined> {
  const [row] = await server.query<{ host: string }>(
    `SELECT host FROM ${SCHEMA}.leader WHERE token <> ''`,
    [],
    'mail',
  )
  return row?.host
}
