// Whether a machine wrote a mail, by its header: an automatic reply, a report, list mail.
// Read leniently: what a person who sees the header would call automatic is. Pure, and asked once for each mail.

import type { MailFacts } from '../mail/facts'
import { elementsOf } from './header-value'

export interface Automatic {
  isReply: boolean
  isReport: boolean
  isListMail: boolean
}

/**
 * RFC 3834 section 5, and what programs write for it. `auto-generated` isn't among them: shops and services depend on
 * bounces. Between its parts may stand anything that is no letter.
 */
const REPLIED =
  /(?<![a-z0-9-])auto[^a-z0-9]*(?:repl(?:y|ied|ies)|notif(?:y|ied)|respond(?:ed|er)?|response)(?![a-z0-9])/
/** `not auto-replied` says the opposite. */
const DENIED = /(?:^|[^a-z])(?:not|non|never)[^a-z0-9]{1,4}$/
/** In place of a keyword of RFC 3834. */
const YES = ['yes', 'true', 'auto', 'automatic', 'reply', 'replied', 'vacation']
/** Fields of programs that answer by themselves (cPanel, CommuniGate, Kerio, Zimbra and others): their presence says so. */
const REPLY_FIELDS = [
  'x-autoreply',
  'x-auto-reply',
  'x-autoreply-from',
  'x-autorespond',
  'x-auto-respond',
  'x-autoresponse',
  'x-auto-response',
  'x-autoresponder',
  'x-mail-autoreply',
]
/** Forms of Auto-Submitted and Precedence that older programs write. */
const SUBMITTED_FIELDS = ['auto-submitted', 'x-auto-submitted']
const PRECEDENCE_FIELDS = ['precedence', 'x-precedence']
/** Exim, Gmail: reports name there whom they couldn't deliver to. */
const REPORT_FIELDS = ['x-failed-recipients']
const NO = ['no', 'none', 'false', 'off', 'never', '0']
/** Microsoft MS-OXCMAIL section 2.2.3.2.14: the sender wants no delivery report, or nothing automatic at all. */
const SUPPRESSES_BOUNCES = ['all', 'ndr']

/** RFC 6522: every multipart/report is one, whatever its report-type. */
const MULTIPART_REPORT = /^[^a-z0-9]*multipart[^a-z0-9]*\/[^a-z0-9]*report(?![a-z0-9-])/
/** RFC 3464, RFC 8098, RFC 5965, RFC 3886; RFC 6533 for their forms with `global`. */
const MESSAGE_REPORT =
  /^[^a-z0-9]*message[^a-z0-9]*\/[^a-z0-9]*(?:global[^a-z0-9]*)?(?:delivery|disposition|feedback|tracking)[^a-z0-9]*(?:status|notification|report)(?![a-z0-9-])/
/** RFC 6522 section 3, RFC 2231: `report-type*0*=`. */
const REPORT_TYPE = /^[^a-z0-9]*report[^a-z0-9]*type[^a-z0-9]*(?:[0-9]+[^a-z0-9=]*)?=/
const HAS_PARTS = /^[^a-z0-9]*multipart/

/** RFC 2369, RFC 2919, RFC 8058. */
const LIST_FIELDS = [
  'list-id',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-post',
  'list-help',
  'list-subscribe',
  'list-owner',
  'list-archive',
]
/** RFC 2076 section 3.9, RFC 5230 section 4.6. */
const LIST_PRECEDENCES = ['bulk', 'junk', 'list']

const known = new WeakMap<MailFacts, Automatic>()

export function automatic(facts: MailFacts): Automatic {
  const found = known.get(facts) ?? look(facts)
  known.set(facts, found)
  return found
}

function look(facts: MailFacts): Automatic {
  const some = (name: string, holds: (elements: readonly string[]) => boolean): boolean => {
    const { texts, areCut } = facts.readings(name)
    // what can't be read whole may say so further down
    return areCut || texts.some(text => readingsOf(elementsOf(text)).some(holds))
  }
  return {
    isReply:
      SUBMITTED_FIELDS.some(name =>
        some(name, elements => saysReplied(elements) || isOneOf(YES, elements[0])),
      ) ||
      PRECEDENCE_FIELDS.some(name => some(name, saysReplied)) ||
      some('x-auto-response-suppress', elements => hasWord(SUPPRESSES_BOUNCES, elements)) ||
      REPLY_FIELDS.some(name => some(name, elements => !isOneOf(NO, elements[0]))),
    isReport:
      some('content-type', saysReport) ||
      REPORT_FIELDS.some(name => some(name, elements => elements.some(one => one.includes('@')))),
    isListMail:
      LIST_FIELDS.some(name => some(name, () => true)) ||
      PRECEDENCE_FIELDS.some(name => some(name, elements => hasWord(LIST_PRECEDENCES, elements))),
  }
}

/** Blanks and garbage part words for one reader; for another a fold, or a broken line, put them within a word. */
function readingsOf(elements: readonly string[]): string[][] {
  return [[...elements], elements.map(element => element.replace(/[^!-~]+/g, ''))]
}

function saysReplied(elements: readonly string[]): boolean {
  return withoutParameters(elements).some(element => {
    const found = REPLIED.exec(element)
    return found !== null && !DENIED.test(element.slice(Math.max(found.index - 16, 0), found.index))
  })
}

function saysReport(elements: readonly string[]): boolean {
  const [type = ''] = elements
  return (
    withoutParameters(elements).some(one => MULTIPART_REPORT.test(one) || MESSAGE_REPORT.test(one)) ||
    // a text may say of itself what it likes; without a media type it may be a report
    ((HAS_PARTS.test(type) || !type.includes('/')) && elements.some(one => REPORT_TYPE.test(one)))
  )
}

/** Behind the first, elements such as `owner-email=...` are about something else. */
function withoutParameters(elements: readonly string[]): string[] {
  return elements.filter((element, index) => index === 0 || !element.includes('='))
}

function hasWord(words: readonly string[], elements: readonly string[]): boolean {
  return elements.some(element => element.split(/[^!-~]+|[|/]/).some(word => isOneOf(words, word)))
}

function isOneOf(words: readonly string[], text = ''): boolean {
  return words.includes(text.replace(/[^a-z0-9]+/g, ''))
}
