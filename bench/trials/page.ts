// The effect of a client of the pages on mail, and the time of pages and API with a long queue.
// Rejects if a mail isn't accepted, or an answer is an error.

import { startSesEmulator } from '../../src/ses-emulator/server'
import { freePort } from '../../test/live/support/ports'
import { settingsText } from '../live/dispatcher'
import { Host } from '../live/host'
import { livedQueue } from '../live/lived-queue'
import { Poller, type Question } from '../live/poller'
import { orderOf, questionsAbout } from '../live/questions'
import { Relay } from '../live/relay'
import { median, ratioOf } from '../measure'
import { rulesOf } from '../rules'
import { type Findings, type Found, foundRatio, type Size, type Trial } from '../trial'

const SCALES = {
  whole: { jobs: 100_000, starts: 5, times: 5, rounds: 12, mails: 4000, warmUpMails: 1000 },
  least: { jobs: 50, starts: 1, times: 1, rounds: 1, mails: 20, warmUpMails: 1 },
}
/** Ten times a second. */
const EVERY_MS = 100
const CONNECTIONS = 4
const MAILS_EACH = 50
const RULES = 50
const TOKEN = 'a-token-for-the-benchmarks'
const GOAL = { unit: 'ms', goal: { atMost: 100 } } as const

export const page: Trial = {
  name: 'page',
  title: 'The page beside SMTP',
  about: `A queue with ${SCALES.whole.jobs.toLocaleString('en')} jobs in two regions, a fifth of which ended in the last three hours, the others waiting; a third of
them of one sender, a third for one mailbox; 300 rules with hits. Haraka is one process that takes mail, serves the pages
and has ${RULES} address rules of which none holds; its dispatcher calls an SES emulator once a second in each region.

Mails of 5 KB come over ${CONNECTIONS} connections as fast as they are taken. In each of ${SCALES.whole.rounds} rounds ${SCALES.whole.mails.toLocaleString('en')} of them come with a client that
asks for the page, with the token, ten times a second, and as many without. A ratio is the median of the rounds.

Answers are timed by a client, from the request to the last byte, and no mail comes meanwhile: of all that are asked for
when Haraka has run a while, the slowest is shown. A first answer is that of a Haraka that has just been started, asked as soon as it
listens: the median of ${SCALES.whole.starts} starts. Between two pages a job comes, so each is made anew. The lists are of 200 jobs: by every
filter, with what most jobs have and with what none has, by two and three of them, at the beginning and far behind.`,
  rows: [
    {
      key: 'rate',
      name: 'mails a second, with the page asked for ten times a second against not',
      goal: { atLeast: 0.95 },
    },
    { key: 'late', name: 'in what time 99 of 100 mails are taken, the same way' },
    { key: 'firstPage', name: 'first answer of a process: the page', ...GOAL },
    { key: 'firstMetrics', name: 'first answer of a process: /metrics', ...GOAL },
    { key: 'page', name: 'slowest answer: the page', ...GOAL },
    { key: 'job', name: 'slowest answer: a job', ...GOAL },
    { key: 'search', name: 'slowest answer: a search', ...GOAL },
    { key: 'list', name: 'slowest answer: GET /v1/bounces', ...GOAL },
    { key: 'order', name: 'slowest answer: POST /v1/bounces', ...GOAL },
    { key: 'metrics', name: 'slowest answer: /metrics', ...GOAL },
  ],
  run: look,
}

async function look(size: Size): Promise<Findings> {
  const { jobs, starts } = SCALES[size]
  const ses = await startSesEmulator({ intervalMs: 1000 })
  const httpPort = await freePort()
  const host = new Host({
    plugin: {
      settings: settingsText({
        relay: { trusted: '127.0.0.1' },
        ses: { endpoint: ses.url },
        http: { token: TOKEN },
      }),
      rules: rulesOf('address', RULES, 'none'),
    },
    files: { 'http.ini': `listen = 127.0.0.1:${httpPort}\n` },
  })
  const poller = new Poller(httpPort, TOKEN)
  try {
    livedQueue(jobs, host.queueFile, Date.now())
    const firstOf = async (question: Question) => {
      const all: number[] = []
      for (let start = 0; start < starts; start++) {
        await host.start()
        all.push(await poller.askFirst(question))
        await host.stop()
      }
      return typical(all)
    }
    const firstMetrics = await firstOf({ path: '/metrics' })
    const firstPage = await firstOf({ path: '/' })
    await host.start()
    await poller.askFirst({ path: '/page.css' })
    return {
      firstPage,
      firstMetrics,
      ...(await answers(host, poller, size)),
      ...(await besideMail(host, poller, size)),
    }
  } catch (error) {
    throw new Error(`${String(error)}; Haraka said:\n${host.complaints()}`, { cause: error })
  } finally {
    poller.close()
    await host.close()
    await ses.close()
  }
}

async function answers({ queueFile }: Host, poller: Poller, size: Size): Promise<Findings> {
  const { jobs, times } = SCALES[size]
  const took: Record<string, number[]> = {}
  const ask = async (kind: string, question: Question) => {
    const all = (took[kind] ??= [])
    all.push(await poller.ask(question))
  }
  for (const [kind, questions] of Object.entries(questionsAbout(queueFile, jobs)))
    for (let time = 0; time < times; time++) for (const question of questions) await ask(kind, question)
  const nowMs = Date.now()
  for (let number = 0; number < times * 10; number++) {
    await ask('order', orderOf(number, nowMs))
    // with another waiting job the page can't come from the cache
    await ask('page', { path: '/' })
  }
  return Object.fromEntries(Object.entries(took).map(([kind, all]) => [kind, slowest(all)]))
}

async function besideMail(host: Host, poller: Poller, size: Size): Promise<Findings> {
  const { rounds, mails, warmUpMails } = SCALES[size]
  const relay = new Relay()
  const rates = { with: [] as number[], without: [] as number[] }
  const lateMs = { with: [] as number[], without: [] as number[] }
  const send = (count: number) =>
    relay.send({ port: host.port, count, connections: CONNECTIONS, mailsEach: MAILS_EACH, everyMs: 0 })
  const turn = async (how: 'with' | 'without') => {
    const startedMs = performance.now()
    const { again, slowMs } = await send(mails)
    rates[how].push((mails * 1000) / (performance.now() - startedMs))
    lateMs[how].push(slowMs)
    if (again > 0) throw new Error(`${again} mails had to come again`)
  }
  try {
    await send(warmUpMails)
    for (let round = 0; round < rounds; round++) {
      const polled = () => poller.askWhile({ path: '/' }, EVERY_MS, () => turn('with'))
      const quiet = () => turn('without')
      for (const go of round % 2 === 0 ? [polled, quiet] : [quiet, polled]) await go()
    }
  } finally {
    relay.close()
  }
  const beside = (of: readonly number[], against: readonly number[], digits: number) =>
    `${median(of).toFixed(digits)} against ${median(against).toFixed(digits)}`
  return {
    rate: foundRatio(ratioOf(rates.with, rates.without), `${beside(rates.with, rates.without, 0)} a second`),
    late: foundRatio(ratioOf(lateMs.with, lateMs.without), `${beside(lateMs.with, lateMs.without, 1)} ms`),
  }
}

function typical(all: readonly number[]): Found {
  return {
    figure: median(all),
    spread: { least: Math.min(...all), most: Math.max(...all) },
    beside: `${all.length} starts`,
  }
}

function slowest(all: readonly number[]): Found {
  return { figure: Math.max(...all), beside: `the median of ${all.length} ${median(all).toFixed(1)} ms` }
}
