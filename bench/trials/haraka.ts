// The plugin's part in the CPU time of a Haraka worker, with mail over SMTP. Rejects if a mail isn't accepted.

import { Host } from '../live/host'
import { Relay } from '../live/relay'
import { cpuMicros } from '../live/usage'
import { median, quartilesOf } from '../measure'
import { rulesOf } from '../rules'
import { type Findings, foundRatio, type Size, type Trial } from '../trial'

const SCALES = {
  whole: { starts: 4, rounds: 20, mails: 200, warmUpMails: 6000 },
  least: { starts: 1, rounds: 1, mails: 2, warmUpMails: 1 },
}
/** Mails over one connection before another is opened. */
const MAILS_EACH = 50
const CONNECTIONS = 4
const RULES = 50
const TRUSTED = '[relay]\ntrusted = 127.0.0.1\n'
const NOBODY = '[relay]\ntrusted = 192.0.2.1\n'

/** The recipient has a mailbox, so the rule must be checked with everything that the mail says of its recipient. */
const MAILBOXES = `
[unknown-mailbox]
recipient = @example.com
not.recipient = file:mailboxes
action = bounce
bounce.type = DoesNotExist
`

const PLUGINS = {
  untrusted: { settings: NOBODY, rules: rulesOf('address', RULES, 'none') },
  addresses: { settings: TRUSTED, rules: rulesOf('address', RULES, 'none') },
  mailboxes: { settings: TRUSTED, rules: `${rulesOf('address', RULES - 1, 'none')}\n${MAILBOXES}` },
  headers: { settings: TRUSTED, rules: rulesOf('header', RULES, 'none') },
  refusals: {
    settings: TRUSTED,
    rules: `${rulesOf('address', RULES, 'none')}\n${rulesOf('refusal', RULES, 'none')}`,
  },
} as const

type Name = keyof typeof PLUGINS | 'without'

/** The Harakas of each row: the cost of the first is divided by that of the second. */
const PAIRS = {
  untrusted: ['untrusted', 'without'],
  addresses: ['addresses', 'without'],
  mailboxes: ['mailboxes', 'without'],
  headers: ['headers', 'without'],
  refusals: ['refusals', 'addresses'],
} as const satisfies Record<string, readonly [Name, Name]>

type Key = keyof typeof PAIRS

export const haraka: Trial = {
  name: 'haraka',
  title: 'A whole Haraka',
  about: `The CPU time of Haraka's worker, user and system, all threads, for a mail of 5 KB that comes by SMTP over loopback and
is accepted, with the plugin against without it. Nothing is bounced: no rule holds. Haraka's only other plugin accepts each
recipient and each mail, and keeps none, so nothing else stands in the ratio. CPU time is what other work on the machine
changes least: no wall time is in the figures.

All Harakas run side by side, each with one worker. In each round of a row its two Harakas have four short turns, one, the
other, the other, the one, so that neither a change of the machine's speed nor the place in the order counts; the figure
of the round is the time of both turns of one by that of the other. In each turn ${SCALES.whole.mails} mails come over ${CONNECTIONS} connections at a
time, from a process of its own that keeps a connection for ${MAILS_EACH} mails and waits for each reply. All are started ${SCALES.whole.starts} times,
and each takes ${SCALES.whole.warmUpMails.toLocaleString('en')} mails that don't count before ${SCALES.whole.rounds} rounds, as the compiler settles late; a ratio is the median of
all rounds, and the spread goes from their first quartile to their third.

The header rules look at the subject: every other one is a glob, every other one a regular expression. Of the address
rules every other one names a recipient, every other one the domain of a sender. In the last row no other plugin refuses
anything: the rules about refusals are there, and there is nothing to ask them about.`,
  rows: [
    { key: 'untrusted', name: 'from a peer that is not trusted', goal: { atMost: 1.03 } },
    { key: 'addresses', name: `from the relay, ${RULES} address rules`, goal: { atMost: 1.12 } },
    {
      key: 'mailboxes',
      name: `from the relay, ${RULES} address rules, one of which asks whether the mailbox is on a list`,
    },
    { key: 'headers', name: `from the relay, ${RULES} header rules`, goal: { atMost: 1.25 } },
    {
      key: 'refusals',
      name: `from the relay, ${RULES} address rules and ${RULES} about refusals, against the ${RULES} address rules`,
      goal: { atMost: 1.03 },
    },
  ],
  run: compare,
}

async function compare(size: Size): Promise<Findings> {
  const { starts } = SCALES[size]
  const rounds: Record<Key, Round[]> = {
    untrusted: [],
    addresses: [],
    mailboxes: [],
    headers: [],
    refusals: [],
  }
  const relay = new Relay()
  try {
    for (let start = 0; start < starts; start++) {
      const hosts = await startAll()
      try {
        await measureStart(hosts, relay, SCALES[size], (key, round) => rounds[key].push(round))
      } finally {
        await Promise.all([...hosts.values()].map(host => host.close()))
      }
    }
  } finally {
    relay.close()
  }
  const found = (key: Key) => {
    const [of, against] = [rounds[key].map(round => round.of), rounds[key].map(round => round.against)]
    const beside = `${Math.round(median(of))} µs a mail against ${Math.round(median(against))} µs`
    return foundRatio(quartilesOf(of, against), beside)
  }
  return {
    untrusted: found('untrusted'),
    addresses: found('addresses'),
    mailboxes: found('mailboxes'),
    headers: found('headers'),
    refusals: found('refusals'),
  }
}

/** CPU time of one mail, in microseconds: the mean of two turns. */
interface Round {
  of: number
  against: number
}

async function measureStart(
  hosts: ReadonlyMap<Name, Host>,
  relay: Relay,
  { rounds, mails, warmUpMails }: (typeof SCALES)[Size],
  add: (key: Key, round: Round) => void,
): Promise<void> {
  const costOf = (name: Name, count: number) => cost(hosts.get(name) as Host, relay, count)
  for (const name of hosts.keys()) await costOf(name, warmUpMails)
  for (let round = 0; round < rounds; round++) {
    for (const key of Object.keys(PAIRS) as Key[]) {
      const [of, against] = PAIRS[key]
      // the one that begins changes from round to round
      const [first, second] = round % 2 === 0 ? [of, against] : [against, of]
      const before = await costOf(first, mails)
      const between = ((await costOf(second, mails)) + (await costOf(second, mails))) / 2
      const around = (before + (await costOf(first, mails))) / 2
      add(key, first === of ? { of: around, against: between } : { of: between, against: around })
    }
  }
}

async function startAll(): Promise<Map<Name, Host>> {
  const mailboxes = Array.from({ length: 1000 }, (_, number) => `box${number}@example.com`).join('\n')
  const files = { mailboxes: `${mailboxes}\n` }
  const hosts = new Map<Name, Host>([['without', new Host({})]])
  for (const name of ['untrusted', 'addresses', 'mailboxes', 'headers', 'refusals'] as const)
    hosts.set(name, new Host({ plugin: PLUGINS[name], files }))
  try {
    await Promise.all([...hosts.values()].map(host => host.start()))
    return hosts
  } catch (error) {
    await Promise.all([...hosts.values()].map(host => host.close()))
    throw error
  }
}

/** CPU time of one mail, in microseconds. */
async function cost(host: Host, relay: Relay, mails: number): Promise<number> {
  const workers = host.workers()
  const used = () => workers.reduce((sum, pid) => sum + cpuMicros(pid), 0)
  const before = used()
  const { again } = await relay.send({
    port: host.port,
    count: mails,
    connections: CONNECTIONS,
    mailsEach: MAILS_EACH,
    everyMs: 0,
  })
  if (again > 0) throw new Error(`${again} mails had to come again; Haraka said:\n${host.complaints()}`)
  return Math.max(1, used() - before) / mails
}
