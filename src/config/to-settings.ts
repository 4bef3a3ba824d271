// The settings for the rest of the product, from the values of ses-bounce.ini.

import type { Values } from './schema'
import type { QueueStoreSettings, Settings, SqsRelay } from './settings'

export function toSettings({
  'relay.sqs': sqs,
  accounts,
  main,
  relay,
  ses,
  limit,
  window,
  queue,
  content,
  guard,
  fallback,
  delivery,
  refusals,
  quarantine,
  http,
  tokens,
}: Values & Pick<Settings, 'accounts'> & Pick<Settings['http'], 'tokens'>): Settings {
  return {
    main: { mode: main.mode, onError: main.on_error },
    relay: {
      trusted: relay.trusted,
      authUsers: relay.auth_users,
      recipients: relay.recipients,
      labelSeparator: relay.label_separator,
      domains: relay.domains,
    },
    ses: {
      bounceSender: ses.bounce_sender,
      ...(ses.bounce_sender_arn !== undefined && { bounceSenderArn: ses.bounce_sender_arn }),
      ...(ses.reporting_mta !== undefined && { reportingMta: ses.reporting_mta }),
      regions: ses.regions,
      endpoint: ses.endpoint,
      timeoutMs: ses.timeout,
    },
    accounts,
    limit: {
      intervalMs: limit.interval,
      slackMs: limit.slack,
      ...(limit.per_sender && { perSender: limit.per_sender }),
      ...(limit.per_sender_domain && { perSenderDomain: limit.per_sender_domain }),
    },
    window: { lengthMs: window.length, marginMs: window.margin },
    queue: {
      ...storeOf(queue),
      keepMs: queue.keep,
      keepsMail: queue.keep_mail,
      retryFirstMs: queue.retry.firstMs,
      retryLongestMs: queue.retry.longestMs,
      unknownTries: queue.unknown_tries,
    },
    content: { limitBytes: content.limit },
    guard,
    fallback,
    delivery: { split: delivery.split, window: delivery.window, ownDsn: delivery.own_dsn },
    refusals: {
      ...(refusals.surge && { surge: refusals.surge }),
      hidden: refusals.hide.map(domain => domain.replace(/^@\./, '')),
    },
    quarantine: { store: quarantine.store, keepMs: quarantine.keep, limitBytes: quarantine.limit },
    ...sqsOf(sqs),
    http: { hosts: http.hosts, tokens },
  }
}

/** Without a URL, which is an error, the database can't be named. */
function storeOf({ store, path, url, password, ca, ...queue }: Values['queue']): QueueStoreSettings {
  if (store === 'sqlite' || url === undefined) return { store: 'sqlite', path }
  return {
    store,
    ...url,
    ...(password !== undefined && { password }),
    ...(ca !== undefined && { ca }),
    schema: queue.schema,
    connections: queue.connections,
    timeoutMs: queue.timeout,
    migrates: queue.migrate,
    hostName: queue.host,
  }
}

/** With a key missing, which is an error, there is no such relay. */
function sqsOf(sqs: Values['relay.sqs']): { sqsRelay?: SqsRelay } {
  const { queue_url: queueUrl, dead_letter_url: deadLetterUrl, user, password } = sqs
  if (queueUrl === undefined || deadLetterUrl === undefined) return {}
  return {
    sqsRelay: {
      queueUrl,
      deadLetterUrl,
      buckets: sqs.buckets,
      domains: sqs.domains,
      smtp: sqs.smtp,
      ...(user !== undefined && password !== undefined && { login: { user, password } }),
      tls: sqs.tls,
      concurrency: sqs.concurrency,
      s3Events: sqs.s3_events,
    },
  }
}
