// `npm start -- --hosts 3`: Harakas as on several hosts, with one queue in PostgreSQL and one bucket for their mail. Each
// gets mail, the one that sends is killed, and another one goes on.

import { setTimeout as pause } from 'node:timers/promises'
import type { QueueReader } from '../src/queue/operator'
import type { SesEmulator } from '../src/ses-emulator/options'
import { sesMail } from '../test/live/support/mail'
import { replyText, sendMail } from '../test/live/support/smtp'
import { callEvidence } from './host-evidence'
import type { DemoHost } from './host-start'
import { HELO } from './run'
import { whereText } from './status-page'
import type { Terminal } from './terminal'

/** Enough that most bounces wait when the leader is killed, and few enough to wait for. */
const MAILS_FOR_EACH = 4
/** The lead is taken over after 8 s without a heartbeat; the machine may be busy. */
const LONGEST_MS = 60_000
const LOOK_MS = 100

export interface HostsStage {
  hosts: readonly DemoHost[]
  reader: QueueReader
  ses: SesEmulator
  terminal: Terminal
  stop: AbortSignal
}

/** True: each mail was bounced once, and SES's pace was kept. Rejects when the signal is aborted. */
export async function playHosts(stage: HostsStage): Promise<boolean> {
  const { hosts, ses, terminal } = stage
  const { line, paint } = terminal
  line()
  line(`${hosts.length * MAILS_FOR_EACH} mails for mailboxes that don't exist, to each host in turn:`)
  for (let number = 1; number <= MAILS_FOR_EACH; number++)
    for (const host of hosts) await give(host, `nobody-${number}@example.com`, stage)
  await reached(stage, () => ses.calls.length >= 3, `${ses.calls.length} bounces`)

  const leader = await leaderOf(stage)
  const killed = hosts.find(({ name }) => name === leader)
  if (killed === undefined) throw new Error(`none of these hosts leads: ${leader}`)
  const others = hosts.filter(host => host !== killed)
  const made = ses.calls.length
  line()
  line(
    `${paint('bold', killed.name)} leads: it sends the bounces of all. ${made} are made. ${paint('red', `Killing ${killed.name}`)} (kill -9).`,
  )
  killed.haraka.killAll()
  const killedMs = performance.now()
  for (const host of others) await give(host, 'nobody-5@example.com', stage)
  await reached(stage, () => ses.calls.length > made, 'another host to send')
  const seconds = ((performance.now() - killedMs) / 1000).toFixed(1)
  line(`${paint('bold', await leaderOf(stage))} leads now: the first bounce after ${seconds} s.`)

  const mails = hosts.length * MAILS_FOR_EACH + others.length
  await reached(stage, () => ses.calls.length >= mails, `all ${mails} bounces`)
  const { isOk, text } = callEvidence(ses.calls, mails)
  line()
  line(paint(isOk ? 'green' : 'red', text))
  return isOk
}

/** Tells what happens until the signal is aborted, then rejects. */
export async function watchHosts(stage: HostsStage): Promise<void> {
  const { hosts, ses, terminal, stop } = stage
  for (const text of directions(stage)) terminal.line(text)
  let [shown, leader] = [ses.calls.length, await leaderOf(stage)]
  for (;;) {
    await pause(LOOK_MS, undefined, { signal: stop })
    for (const call of ses.calls.slice(shown)) {
      const recipient = call.params['BouncedRecipientInfoList.member.1.Recipient'] ?? ''
      terminal.line(`SES made a bounce for ${recipient}`)
    }
    shown = ses.calls.length
    const now = (await leaderNow(stage)) ?? leader
    if (now !== leader) terminal.line(`${now} leads now`)
    leader = now
    if (hosts.every(({ haraka }) => haraka.hasExited)) throw new Error('no Haraka runs any more')
  }
}

function directions({ hosts, terminal }: HostsStage): string[] {
  const { paint } = terminal
  const running = hosts.filter(({ haraka }) => !haraka.hasExited)
  const [one] = running
  return [
    '',
    paint('bold', 'The other hosts stay up, with one queue and one status page at each of them:'),
    '',
    ...running.map(host => {
      const page = host.page === undefined ? 'no status page' : whereText(host.page, terminal)
      return `  ${host.name}  SMTP on 127.0.0.1:${host.port}  ${page}`
    }),
    '',
    paint('bold', 'The command works in the directory of any of them:'),
    '',
    `  ${one?.command ?? ''} queue hosts`,
    `  ${one?.command ?? ''} queue list`,
    '',
    `${paint('bold', 'Ctrl-C ends')} all of it, PostgreSQL too, and removes the directories. What happens from here on:`,
    '',
  ]
}

async function give(host: DemoHost, recipient: string, { terminal, stop }: HostsStage): Promise<void> {
  stop.throwIfAborted()
  const { data, sender } = sesMail({ recipient, sender: `someone-${host.name}@origin.example` })
  const { reply } = await sendMail({
    port: host.port,
    helo: HELO,
    from: sender ?? '',
    to: [recipient],
    data,
  })
  terminal.line(`  ${host.name}  ${recipient.padEnd(24)}${replyText(reply)}`)
  if (reply.code !== 250) throw new Error(`${host.name} did not accept the mail`)
}

/** The name of the leading host. */
async function leaderOf(stage: HostsStage): Promise<string> {
  let found: string | undefined
  await reached(stage, async () => (found = await leaderNow(stage)) !== undefined, 'a host to lead')
  return found ?? ''
}

async function leaderNow({ reader }: HostsStage): Promise<string | undefined> {
  const now = { ms: Date.now(), monoMs: performance.now() }
  const { leader } = await reader.stats(now, { spacingMs: 1000, forecastMs: 1000, marginMs: 60_000 })
  return leader?.host
}

async function reached(
  { stop, terminal }: HostsStage,
  isThere: () => boolean | Promise<boolean>,
  what: string,
): Promise<void> {
  const endMs = performance.now() + LONGEST_MS
  terminal.status(`Waiting for ${what}`)
  while (!(await isThere())) {
    if (performance.now() > endMs) throw new Error(`waited a minute for ${what}`)
    await pause(LOOK_MS, undefined, { signal: stop })
  }
  terminal.status('')
}
