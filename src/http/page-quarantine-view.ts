// The pages of the quarantine: its list, and a mail with its text. Shown only with the token. Pure.
// The text of a mail is text there, never markup; characters that hide something are shown as \u202e.

import { shortened } from '../config/escape'
import { formatSize } from '../config/values'
import type { Preview } from '../mail/preview'
import type { Kept } from '../quarantine/kept'
import { QUARANTINE_REASONS } from '../quarantine/reasons'
import { senderOf } from '../quarantine/record'
import { type Html, html, lines, type Part } from './html'
import { ago, timeTag, type View } from './page-layout'
import { table } from './page-table'
import type { ListedMail } from './quarantine-api'
import { ROOT } from './router'

/** The values in the form's fields. */
export type Filters = Readonly<Record<'reason' | 'rule' | 'sender' | 'recipient' | 'since' | 'until', string>>

const SHOWN_HELD = 3
const SUBJECT_CHARACTERS = 200

/** `next`: the query of the next page. */
export function quarantineMain(
  view: View,
  filters: Filters,
  { mails, next, total }: { mails: readonly ListedMail[]; next: string | undefined; total: string },
): Html {
  const isFiltered = Object.values(filters).some(one => one !== '')
  const none = next === undefined ? 'There is no such mail.' : 'None of those that were looked at.'
  return html`<section aria-labelledby="quarantine-title">
<h1 id="quarantine-title">Quarantine</h1>
<p>${total}.</p>
${filterForm(filters)}
${isFiltered && html`<p><a href="${ROOT}/quarantine">Show all</a></p>`}
${table(
  view,
  [
    { name: 'When', kind: 'nowrap' },
    { name: 'Subject', kind: 'words' },
    { name: 'Sender', kind: 'words' },
    { name: 'Held for', kind: 'words' },
    { name: 'Rule' },
    { name: 'Reason', kind: 'words' },
    { name: 'Size', kind: 'number' },
  ],
  mails.map(({ kept, subject }) => row(view, kept, subject)),
  none,
)}
${next !== undefined && html`<p><a href="${ROOT}/quarantine?${next}">Older mail</a></p>`}
</section>`
}

function filterForm(filters: Filters): Html {
  const text = (name: keyof Filters, label: string) =>
    html`<label>${label} <input name="${name}" value="${filters[name]}" maxlength="400"></label>`
  const date = (name: keyof Filters, label: string) =>
    html`<label>${label} <input name="${name}" type="date" value="${filters[name]}"></label>`
  const option = (word: string) =>
    word === filters.reason
      ? html`<option value="${word}" selected>${word}</option>`
      : html`<option value="${word}">${word}</option>`
  return html`<form class="filters" action="${ROOT}/quarantine" method="get" aria-label="Filters">
<label>Reason <select name="reason"><option value="">any</option>${QUARANTINE_REASONS.map(option)}</select></label>
${text('rule', 'Rule')}
${text('sender', 'Sender')}
${text('recipient', 'Recipient')}
${date('since', 'From')}
${date('until', 'To')}
<button>Filter</button>
</form>`
}

function row(view: View, kept: Kept, subject: string | undefined): Part[] {
  const { id, record, sizeBytes } = kept
  const held = record?.held ?? []
  const more = held.length - SHOWN_HELD
  const distinct = (texts: readonly string[]) =>
    [...new Set(texts)].slice(0, SHOWN_HELD).map(one => html`<div>${one}</div>`)
  return [
    ago(whenOf(kept), view.nowMs),
    html`<a href="${ROOT}/quarantine/${id}">${subjectText(subject)}</a>`,
    record === undefined
      ? html`<span class="soft">its record can't be read</span>`
      : addressText(senderOf(record)),
    [distinct(held.map(({ recipient }) => recipient)), more > 0 && `and ${more} more`],
    distinct(held.flatMap(({ rule }) => (rule === '' ? [] : [rule]))),
    distinct(held.map(({ reason }) => reason)),
    formatSize(sizeBytes),
  ]
}

function whenOf({ record, keptAtMs }: Kept): number {
  return record === undefined ? keptAtMs : Date.parse(record.quarantinedAt)
}

/** `said`: the reason why it was not released. */
export function quarantinedMain(view: View, kept: Kept, preview: Preview, said?: string): Html {
  const { record } = kept
  return html`${said !== undefined && html`<section class="status bad" role="alert"><p class="bad">Not released: ${said}.</p></section>`}
<section id="mail" aria-labelledby="mail-title">
<h1 id="mail-title">${subjectText(preview.header.find(({ name }) => name === 'Subject')?.value)}</h1>
<dl class="facts">${facts(kept, preview).map(([what, part]) => html`<dt>${what}</dt><dd>${part}</dd>`)}</dl>
${view.mayOperate && html`<div class="actions">${record !== undefined && confirmed(kept.id, 'release', 'Release', 'Release and deliver', 'It is delivered to this Haraka without the rules, and leaves the quarantine.')}${confirmed(kept.id, 'delete', 'Delete', 'Delete for good', 'The mail is deleted, and no copy is kept.')}</div>`}
</section>
${record !== undefined && heldSection(view, record.held)}
${textSection(preview)}`
}

function facts({ id, location, sizeBytes, record, keptAtMs }: Kept, { header }: Preview): [string, Part][] {
  const envelope: [string, Part][] =
    record === undefined
      ? [['Record', "can't be read, so it can only be deleted"]]
      : [
          ['Sender of record', addressText(senderOf(record))],
          ['MAIL FROM', addressText(record.envelope.sender)],
          ['RCPT TO', record.envelope.recipients.map(one => html`<div>${one}</div>`)],
          ['Relay', record.envelope.relayIp],
        ]
  return [
    ['In quarantine since', timeTag(record === undefined ? keptAtMs : Date.parse(record.quarantinedAt))],
    ...envelope,
    ...header
      .filter(({ name }) => name !== 'Subject')
      .map(({ name, value }): [string, Part] => [name, value]),
    ['Raw mail', `${location}, ${formatSize(sizeBytes)}`],
    ['Id', id],
  ]
}

/** Works without JavaScript: the second button is shown after the first. */
function confirmed(id: string, what: string, word: string, button: string, text: string): Html {
  return html`<details class="confirm"><summary>${word}</summary>
<form action="${ROOT}/quarantine/${id}/${what}" method="post">
<p>${text}</p>
<label>Reason, for the audit <input name="reason" maxlength="400"></label>
<button>${button}</button>
</form></details>`
}

function heldSection(view: View, held: NonNullable<Kept['record']>['held']): Html {
  return html`<section aria-labelledby="held-title">
<h2 id="held-title">Held for</h2>
${table(
  view,
  [
    { name: 'Recipient', kind: 'head' },
    { name: 'Rule', kind: 'words' },
    { name: 'Reason', kind: 'words' },
    { name: 'Job', kind: 'nowrap' },
  ],
  held.map(({ recipient, rule, reason, job }) => [
    recipient,
    rule,
    reason,
    job !== undefined && html`<a href="${ROOT}/jobs/${encodeURIComponent(job)}">${job}</a>`,
  ]),
  'Nobody: its bounces are still waiting.',
)}
</section>`
}

function textSection({ texts, attachments, isCut, fault }: Preview): Html {
  const [first, second] = texts
  return html`<section aria-labelledby="text-title">
<h2 id="text-title">Text</h2>
${fault !== undefined && html`<p class="warn">It can't be shown: ${fault}.</p>`}
${fault === undefined && first === undefined && html`<p class="soft">It has none.</p>`}
${first !== undefined && textBlock(first, 'Text of the mail')}
${second !== undefined && html`<h3>Text of the HTML</h3>${textBlock(second, 'Text of the HTML')}`}
${attachments.length > 0 && html`<h3>Attachments</h3><ul>${attachments.map(({ names, types, sizeBytes }) => html`<li>${names.length === 0 ? 'no name' : names.join(', ')}: ${types.join(', ')}, ${formatSize(sizeBytes)}</li>`)}</ul>`}
${isCut && html`<p class="soft">The mail has more than that: only its beginning is shown.</p>`}
</section>`
}

/** A region that scrolls must be reached by keyboard, too. */
function textBlock(text: string, name: string): Html {
  const shown = text.split(/\r?\n/).map(line => line.replaceAll('\t', '    '))
  return html`<pre class="mail" tabindex="0" role="region" aria-label="${name}">${lines(shown)}</pre>`
}

function subjectText(subject = ''): string {
  return subject === '' ? 'No subject' : shortened(subject, SUBJECT_CHARACTERS)
}

function addressText(address: string): string {
  return address === '' ? '<>' : address
}
