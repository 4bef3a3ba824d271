// The table of all settings in ses-bounce.ini: checker, defaults, example file and reference are made from it.
// Plain data; a test reads every default with its own parser.

import type { Key } from './key'
import { HTTP, QUARANTINE } from './sections/mail-and-web'
import { MAIN, RELAY } from './sections/main-relay'
import { CONTENT, FALLBACK, GUARD } from './sections/policy'
import { QUEUE } from './sections/queue'
import { DELIVERY, REFUSALS } from './sections/refused'
import { RELAY_SQS } from './sections/relay-sqs'
import { LIMIT, SES, WINDOW } from './sections/sending'

export const SCHEMA = {
  main: MAIN,
  relay: RELAY,
  ses: SES,
  limit: LIMIT,
  window: WINDOW,
  queue: QUEUE,
  content: CONTENT,
  guard: GUARD,
  fallback: FALLBACK,
  quarantine: QUARANTINE,
  http: HTTP,
  delivery: DELIVERY,
  refusals: REFUSALS,
  'relay.sqs': RELAY_SQS,
}

type Table = typeof SCHEMA
export type SectionName = keyof Table

/** The values of the file, for each section and key. */
export type Values = {
  [S in keyof Table]: { [K in keyof Table[S]]: Table[S][K] extends Key<infer T> ? T : never }
}

/** Keys that were renamed, with the hint for each. */
export const RENAMED_KEYS: Readonly<Record<string, string>> = {
  'relay.keeps_recipients': 'it is called recipients now: kept for true, auto for false',
}

/** The meaning of a section, if its keys don't show it. */
export const SECTION_MEANING: Partial<Record<SectionName, string>> = {
  'relay.sqs':
    'For `ses-bounce relay`: mail that SES stored in S3 and announces in a queue of SQS. docs/aws.md leads there.',
  relay: 'Only mail from these peers is evaluated; without any, the plugin is idle.',
  guard: 'true: such mail gets no bounce. A rule can override them: guard.list_mail = true',
  fallback:
    "What happens to mail that a rule bounces when the bounce can't or mustn't be made: reject, quarantine, accept, defer, drop.",
  delivery: 'Mail that a server behind Haraka refuses.',
  refusals: 'What other plugins and servers refuse, for the rules with a condition refused.',
  quarantine: 'Mail that was kept back, in ses-bounce/quarantine/.',
}
