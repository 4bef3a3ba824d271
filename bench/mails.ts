// Whole mails as the plugin gets them from Haraka, compared with mailparser's simpleParser on the same mails.
// Rejects if a mail's decision isn't as expected.

import { simpleParser } from 'mailparser'
import type { ActiveConfig } from '../src/app/active-config'
import { evaluateMail } from '../src/app/evaluate-mail'
import { rawMail } from '../src/haraka/raw-mail'
import { openWorkerThreads, type WorkerThreads } from '../src/worker-thread/worker-threads'
import { inTurn } from './deciding'
import type { Work } from './measure'
import { htmlAlone, type Mime, plainText, textAndHtml, withAttachment } from './mime'
import { BODY_POLICY, HEADER_POLICY } from './policies'
import { compiled } from './rules'
import { asIncoming, type Sample, sample } from './samples'
import type { Contest, Suite } from './suite'

/** `mails`: fewer large ones. */
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
  looks at the body, and a mail that surely no header pattern holds is passed over.
- The body policy has ten more, for texts (globs and regular expressions) and attachments: every mail is read whole, one of
  more than 16 KB on a thread of its own, and HTML is read even where there is text as well, which simpleParser doesn't do.
  The goals: 1.3 mails of text, 1.0 with text and HTML, 5 of HTML alone, 4 with an attachment.
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
      const workerThreads = openWorkerThreads()
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
          header: evaluated(ours, header, workerThreads, [undefined, 'accept']),
          body: evaluated(ours, body, workerThreads, ['accept']),
          passed: evaluated(others, body, workerThreads, [undefined]),
        },
        close: () => workerThreads.close(),
      }
    },
  }
}

function evaluated(
  samples: readonly Sample[],
  activeConfig: ActiveConfig,
  workerThreads: WorkerThreads,
  expected: readonly ('accept' | undefined)[],
): Work {
  const { limitBytes } = activeConfig.settings.content
  const noQueue = () => {
    throw new Error('in mode observe nobody asks the queue')
  }
  return inTurn(samples, async one => {
    const { raw } = one
    const read = () => rawMail(to => to.end(raw), raw.length)
    const content = () => workerThreads.contentOf({ sizeBytes: raw.length, read }, limitBytes)
    const evaluation = await evaluateMail(
      asIncoming(one, { content, search: workerThreads.search }),
      activeConfig,
      noQueue,
    )
    const action = evaluation?.decisions[0]?.action
    if (!(expected as readonly unknown[]).includes(action))
      throw new Error(`a mail comes to ${action} instead of ${expected.join(' or ')}`)
  })
}
