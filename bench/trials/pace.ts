// The gaps between calls while mail arrives, with four workers. Rejects if SES throttles or refuses a call.

import { startSesEmulator } from '../../src/ses-emulator/server'
import { callsOf } from '../live/calls'
import { settingsText } from '../live/dispatcher'
import { Host } from '../live/host'
import { Relay } from '../live/relay'
import type { Findings, Size, Trial } from '../trial'

const SCALES = {
  /** SES's interval. */
  whole: { intervalMs: 1000, gaps: 120, nodes: 4 },
  least: { intervalMs: 20, gaps: 2, nodes: 1 },
}
/** Mails for each call. */
const MAILS_PER_CALL = 2

export const pace: Trial = {
  name: 'pace',
  title: 'The pace',
  about: `A Haraka with ${SCALES.whole.nodes} workers takes two mails a second by SMTP and bounces all of them, with the settings as they are by
default: 1,000 ms from one call to the next, and 5 ms of slack. The SES emulator sees ${SCALES.whole.gaps + 1} calls; a gap is the
time between two of them that have come in whole. It throttles what comes within a second, and nothing was throttled.`,
  rows: [
    {
      key: 'least',
      name: `least of ${SCALES.whole.gaps} gaps`,
      unit: 'ms',
      goal: { atLeast: SCALES.whole.intervalMs },
    },
    { key: 'mean', name: `mean of ${SCALES.whole.gaps} gaps`, unit: 'ms', goal: { below: 1015 } },
  ],
  run: watch,
}

async function watch(size: Size): Promise<Findings> {
  const { intervalMs, gaps, nodes } = SCALES[size]
  const ses = await startSesEmulator({ intervalMs })
  const host = new Host({
    nodes,
    plugin: {
      settings: settingsText({
        relay: { trusted: '127.0.0.1' },
        ses: { endpoint: ses.url },
        limit: { interval: `${intervalMs}ms` },
      }),
      rules: '[unknown-mailbox]\nrecipient = @example.com\naction = bounce\nbounce.type = DoesNotExist\n',
    },
  })
  const relay = new Relay()
  try {
    await host.start()
    const [{ again }, calls] = await Promise.all([
      relay.send({
        port: host.port,
        count: (gaps + 1) * MAILS_PER_CALL,
        connections: nodes,
        mailsEach: 10,
        everyMs: intervalMs / MAILS_PER_CALL,
      }),
      callsOf(ses, gaps + 1, gaps * intervalMs * 2 + 60_000),
    ])
    const all = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? Number.NaN))
    const most = Math.max(...all)
    return {
      least: { figure: Math.min(...all), beside: `the greatest ${most.toFixed(1)} ms` },
      mean: {
        figure: all.reduce((sum, ms) => sum + ms, 0) / all.length,
        beside: `${calls.length} calls; ${again} mails were refused for the moment, and came again`,
      },
    }
  } catch (error) {
    throw new Error(`${String(error)}; Haraka said:\n${host.complaints()}`, { cause: error })
  } finally {
    relay.close()
    await host.close()
    await ses.close()
  }
}
