// The plugin's part in the CPU time of a Haraka worker, with mail over SMTP. Rejects if a mail isn't accepted.

import { Host } from '../live/host'
import { Relay } from '../live/relay'
import { cpuMicros } from '../live/usage'
import { median, ratioOf } from '../measure'
import { rulesOf } from '../rules'
import { type Findings, foundRatio, type Size, type Trial } from '../trial'

const SCALES = {
  whole: { starts: 3, rounds: 20, mails: 250, warmUpMails: 1000 },
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

type Name = keyof typeof PLUGINS

export const haraka: Trial = {
  name: 'haraka',
  title: 'A whole Haraka',
  about: `The CPU time of Haraka's worker, user and system, for a mail of 5 KB that comes by SMTP over loopback and is taken,
with the plugin against without it. Nothing is bounced: no rule holds. Haraka's only other plugin takes each recipient
and each mail, and keeps none, so nothing else stands in the ratio. All Harakas run side by side, each with one worker;
in each round they have their turn, ${SCALES.whole.mails} mails each over ${CONNECTIONS} connections, from a process of its own that keeps a connection
for ${MAILS_EACH} mails and waits for each reply. Each is started ${SCALES.whole.starts} times, and takes ${SCALES.whole.warmUpMails.toLocaleString('en')} mails that don't
count before its ${SCALES.whole.rounds} rounds; a ratio is the median of all rounds.

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
  const { starts, rounds, mails, warmUpMails } = SCALES[size]
  const costs: Record<Name | 'without', number[]> = {
    without: [],
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
        for (const [, host] of hosts) await cost(host, relay, warmUpMails)
        for (let round = 0; round < rounds; round++)
          for (const [name, host] of round % 2 === 0 ? hosts : hosts.toReversed())
            costs[name].push(await cost(host, relay, mails))
      } finally {
        await Promise.all(hosts.map(([, host]) => host.close()))
      }
    }
  } finally {
    relay.close()
  }
  const found = (name: Name, other: Name | 'without' = 'without') => {
    const [of, against] = [median(costs[name]), median(costs[other])]
    return foundRatio(
      ratioOf(costs[name], costs[other]),
      `${Math.round(of)} µs a mail against ${Math.round(against)} µs`,
    )
  }
  return {
    untrusted: found('untrusted'),
    addresses: found('addresses'),
    mailboxes: found('mailboxes'),
    headers: found('headers'),
    refusals: found('refusals', 'addresses'),
  }
}

async function startAll(): Promise<[Name | 'without', Host][]> {
  const mailboxes = Array.from({ length: 1000 }, (_, number) => `box${number}@example.com`).join('\n')
  const files = { mailboxes: `${mailboxes}\n` }
  const hosts: [Name | 'without', Host][] = [['without', new Host({})]]
  for (const name of ['untrusted', 'addresses', 'mailboxes', 'headers', 'refusals'] as const)
    hosts.push([name, new Host({ plugin: PLUGINS[name], files })])
  try {
    await Promise.all(hosts.map(([, host]) => host.start()))
    return hosts
  } catch (error) {
    await Promise.all(hosts.map(([, host]) => host.close()))
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
