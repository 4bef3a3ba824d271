// Whole mails, as the plugin gets them from Haraka, against mailparser's simpleParser on the same mails.
// Rejects when a mail is not judged as it should be.

import { simpleParser } from 'mailparser'
import { type Aside, openAside } from '../src/aside/aside'
import type { InForce } from '../src/door/in-force'
import { judge } from '../src/door/judge'
import { rawMail } from '../src/door/raw-mail'
import { inTurn } from './deciding'
import type { Work } from './measure'
import { htmlAlone, type Mime, plainText, textAndHtml, withAttachment } from './mime'
import { BODY_POLICY, HEADER_POLICY } from './policies'
import { compiled } from './rules'
import { atDoor, type Sample, sample } from './samples'
import type { Contest, Suite } from './suite'

/** Fewer of those that are large. */
const KINDS: readonly { kind: string; make: (seed: number) => Mime; mails: number }[] = [
  { kind: '5 KB of text', make: plainText, mails: 500 },
  { kind: '100 KB, text and HTML', make: textAndHtml, mails: 100 },
  { kind: '100 KB, HTML alone', make: htmlAlone, mails: 100 },
  { kind: '2 MB with an attachment', make: withAttachment, mails: 10 },
]

export const mails: Suite = {
  name: 'mails',
  title: 'Whole mails',
  about: `From the mail as Haraka holds it to the decision, without the queue and without what Haraka does itself, against
\`simpleParser\` of mailparser with its default options, on the same mails in the same process. No rule holds, so all of
them are tried.

- The header-only policy asks for addresses, subject and other fields, SES's verdicts and the size: ten rules. Nobody
  looks at the body.
- The body policy has ten more, for texts (globs and regular expressions) and attachments: every mail is read whole, on
  a thread of its own, and HTML is read even where there is text as well, which simpleParser doesn't do.
- Not concerned are mails to a domain that no rule of the body policy names: a look at the envelope and at SES's trace
  fields is enough.`,
  ratio: 'mails in the CPU time of one by simpleParser',
  unit: 'rate',
  contests: KINDS.map(contestOf),
}

function contestOf({ kind, make, mails }: (typeof KINDS)[number]): Contest {
  const row = (name: string, against: string) => ({ name: `${kind}: ${name}`, of: 'simpleParser', against })
  return {
    rows: [
      row('header-only policy', 'header'),
      row('body policy', 'body'),
      row('body policy, not concerned', 'passed'),
    ],
    async prepare(inputs) {
      const aside = openAside()
      const made = Array.from({ length: Math.min(mails, inputs) }, (_, seed) => make(seed))
      const to = (domain: string) =>
        made.map((mime, seed) => sample({ ...mime, seed, recipient: `box${seed}@${domain}` }))
      const [ours, others] = [to('example.com'), to('other.example')]
      const [header, body] = [compiled(HEADER_POLICY), compiled(`${HEADER_POLICY}\n${BODY_POLICY}`)]
      return {
        works: {
          simpleParser: inTurn(ours, async ({ raw }) => {
            if ((await simpleParser(raw)).subject === undefined) throw new Error('a mail was not parsed')
          }),
          header: judged(ours, header, aside, 'accept'),
          body: judged(ours, body, aside, 'accept'),
          passed: judged(others, body, aside, undefined),
        },
        close: () => aside.close(),
      }
    },
  }
}

function judged(
  samples: readonly Sample[],
  inForce: InForce,
  aside: Aside,
  expected: 'accept' | undefined,
): Work {
  const { limitBytes } = inForce.settings.content
  const noQueue = () => {
    throw new Error('in mode observe nobody asks the queue')
  }
  return inTurn(samples, async one => {
    const { raw } = one
    const read = () => rawMail(to => to.end(raw), raw.length)
    const content = () => aside.contentOf({ sizeBytes: raw.length, read }, limitBytes)
    const judgement = await judge(atDoor(one, { content, search: aside.search }), inForce, noQueue)
    const action = judgement?.decisions[0]?.action
    if (action !== expected) throw new Error(`a mail comes to ${action} instead of ${expected}`)
  })
}
