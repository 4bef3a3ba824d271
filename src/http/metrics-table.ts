// The table of metrics. /metrics and docs/monitoring.md are made from it, and tests compare both with it.
// A name never changes its meaning, as alerts depend on it.

import { COUNTED } from '../queue/counters'

export interface Metric {
  /** Prometheus: metric and label naming. */
  name: string
  type: 'counter' | 'gauge' | 'histogram'
  /** One sentence, without the full stop. */
  help: string
  labels: readonly LabelName[]
}

export const LABELS = {
  action: 'accept, bounce, reject, defer, quarantine, drop',
  by: "the plugin that refused; nobody: no plugin accepted the recipient; outbound: Haraka's delivery; other, once there are very many",
  cause:
    'of mails: rule (a rule or a fallback says defer), fault (something of ours failed: the log has it); of faults of the store: unreachable, busy, full and others, as docs/errors.md has them',
  digest: 'of the configuration files of this host, the same on each host with the same files',
  kind: 'no_dispatcher, paused, no_credentials, blocked, unreachable, failing, throttled and others, as /ses-bounce/health has them',
  mode: 'enforce, observe (nothing was done)',
  node: 'of Node.js',
  op: 'what the statement does: look, add_bounces, claim, begin_call, settle, heartbeat, read and others',
  outcome:
    'of calls: sent, throttled, temporary (SES did nothing), unknown (it may have), blocked (credentials, permission, identity, quota), refused; of refusals: bounced, kept (quarantined or dropped), stood (the relay heard it), deferred, observed',
  place: 'kept (until SES has made the bounces), quarantine',
  reason:
    'expired, overload, no_receipt, mismatch, ended, unsafe, capped, full, unreadable: as in [fallback]; of quarantined mail also rule, rejected, refused, not_bounced, other',
  region: 'as AWS names it, with several accounts ACCOUNT/REGION; other, once there are very many',
  result: 'taken, refused',
  rule: "a rule's name; empty: no rule decided; [api]: by the HTTP API; other, once there are very many",
  stage: 'mail, rcpt, data, queue, delivery',
  scope: 'sender (how many bounce senders), region (1: nothing at all)',
  state:
    'of jobs: queued, sending, sent, failed, expired, held, cancelled; of the verdict: sending, degraded, stopped, observing, idle',
  version: 'of this package',
} as const
export type LabelName = keyof typeof LABELS

const CALL_DURATION = 'ses_bounce_call_duration_seconds'
const STORE_DURATION = 'ses_bounce_store_duration_seconds'

export const METRICS = {
  inspected: counter(COUNTED.inspected, 'Mails of trusted relays that were inspected'),
  deferred: counter(COUNTED.deferred, 'Mails that got 450, so that the relay tries again', 'cause'),
  notifyNever: counter(
    COUNTED.notifyNever,
    'Mails whose recipients the relay all gave with NOTIFY=NEVER, so that they are never bounced',
  ),
  untrusted: counter(
    COUNTED.untrusted,
    "Mails of SES that came from a peer that isn't trusted, of those looked at: one in a hundred of such peers' mails",
  ),
  quarantined: counter(
    COUNTED.quarantined,
    'Mails that came to the quarantine, once for each reason of theirs',
    'reason',
  ),
  decisions: counter(
    COUNTED.decisions,
    'Recipients decided about, again each time that the relay delivers the mail',
    'rule',
    'action',
    'mode',
  ),
  fallbacks: counter(
    COUNTED.fallbacks,
    "Recipients whose bounce couldn't or mustn't be made, by the reason and what was done instead",
    'reason',
    'action',
    'mode',
  ),
  refusals: counter(
    COUNTED.refusals,
    'Refusals by other plugins and by servers behind Haraka, by what came of them; counted only with rules about refusals',
    'by',
    'stage',
    'outcome',
  ),
  surges: gauge(
    'ses_bounce_refusals_surge',
    '1 while a plugin refuses most recipients, so that its refusals are 450: [refusals] surge',
    'by',
  ),
  jobs: gauge(
    'ses_bounce_jobs',
    'Jobs on record; those that have ended are forgotten after [queue] keep',
    'region',
    'state',
  ),
  ended: counter(COUNTED.ended, 'Jobs that became sent, failed, expired or held', 'region', 'state'),
  nextDeadline: gauge(
    'ses_bounce_next_deadline_seconds',
    'Time left until the soonest deadline of a queued job; absent when no job is queued',
    'region',
  ),
  drain: gauge(
    'ses_bounce_queue_drain_seconds',
    'Time until every queued job that can be in time has been sent, at the pace of late; absent while that is not known, as nothing gets through',
    'region',
  ),
  willMiss: gauge(
    'ses_bounce_jobs_missing_window',
    'Queued jobs that will miss their deadline at that pace; all of them while sending is paused or no dispatcher runs',
    'region',
  ),
  interval: gauge(
    'ses_bounce_call_interval_seconds',
    'From one call to the next at the moment; while SES throttles, more than [limit] interval and slack',
    'region',
  ),
  calls: counter(COUNTED.calls, 'Calls of SendBounce that ended', 'region', 'outcome'),
  callDuration: {
    name: CALL_DURATION,
    type: 'histogram',
    help: 'Duration of calls of SendBounce, with every outcome',
    labels: ['region'],
  },
  paused: gauge('ses_bounce_paused', '1 while an operator has paused the region, or all of them', 'region'),
  blocked: gauge(
    'ses_bounce_blocked',
    'Bounce senders that SES accepts nothing from at the moment, or 1 for the whole region; one job is tried each minute',
    'region',
    'scope',
  ),
  verdict: gauge(
    'ses_bounce_verdict',
    "1 for the state that the status page's verdict has, 0 for the others",
    'state',
  ),
  sending: gauge(
    'ses_bounce_sending',
    '1 while bounces go out in every lane, as /ses-bounce/health/sending has it',
  ),
  verdictReasons: gauge(
    'ses_bounce_verdict_reasons',
    'How many reasons of each kind the verdict has',
    'kind',
  ),
  dispatcherUp: gauge(
    'ses_bounce_dispatcher_up',
    '1 while a dispatcher runs: its last heartbeat is at most 30 s old',
  ),
  mailBytes: gauge('ses_bounce_mail_bytes', 'Bytes of raw mail on disk', 'place'),
  mails: gauge('ses_bounce_mails', 'Raw mails on disk', 'place'),
  mailLimit: gauge('ses_bounce_mail_limit_bytes', 'How much raw mail may be on disk: [quarantine] limit'),
  reloads: counter(
    COUNTED.reloads,
    'Changes of the configuration files that were read, each counted once',
    'result',
  ),
  reloadSuccessful: gauge(
    'ses_bounce_config_last_reload_successful',
    '0 while the files have errors, so that an earlier configuration is in force',
  ),
  reloadTime: gauge(
    'ses_bounce_config_last_reload_success_timestamp_seconds',
    'When the configuration that is in force was first read',
  ),
  leader: gauge('ses_bounce_leader', '1 on the host whose dispatcher leads; only with store = postgres'),
  term: gauge(
    'ses_bounce_term',
    'Grows by one each time that a dispatcher takes the lead; only with store = postgres',
  ),
  hosts: gauge(
    'ses_bounce_hosts',
    'Hosts that share the queue and told of themselves in the last minute; only with store = postgres',
  ),
  clockSkew: gauge(
    'ses_bounce_clock_skew_seconds',
    "How far this host's clock is ahead of the queue's; only with store = postgres",
  ),
  storeDuration: {
    name: STORE_DURATION,
    type: 'histogram',
    help: "Duration of this host's statements to the database; only with store = postgres",
    labels: ['op'],
  },
  storeFaults: counter(
    COUNTED.storeFaults,
    'Statements of this host to the database that failed; only with store = postgres',
    'cause',
  ),
  configInfo: gauge(
    'ses_bounce_config_info',
    'Always 1: two digests at a time say that hosts have different configuration files',
    'digest',
  ),
  buildInfo: gauge('ses_bounce_build_info', 'Always 1', 'version', 'node'),
} satisfies Record<string, Metric>
export type MetricKey = keyof typeof METRICS

function counter(name: string, help: string, ...labels: LabelName[]): Metric {
  return { name, type: 'counter', help, labels }
}

function gauge(name: string, help: string, ...labels: LabelName[]): Metric {
  return { name, type: 'gauge', help, labels }
}

/** The lines of the table in docs/monitoring.md. */
export function metricLines(): string[] {
  const rows = Object.values<Metric>(METRICS).map(({ name, type, help, labels }) => {
    const names = labels.map(label => `\`${label}\``).join(', ')
    return `| \`${name}\` | ${type} | ${names} | ${help} |`
  })
  return ['| metric | type | labels | meaning |', '|---|---|---|---|', ...rows]
}

export function labelLines(): string[] {
  return [
    '| label | values |',
    '|---|---|',
    ...Object.entries(LABELS).map(([name, values]) => `| \`${name}\` | ${values} |`),
  ]
}
