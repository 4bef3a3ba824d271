import { existsSync } from 'node:fs'
import { runChaos } from './support/chaos'
import { figuresOf } from './support/chaos-figures'

describe('two Harakas on one queue, whose processes are killed and stopped while SES fails', function () {
  it('lose nothing, bounce once more only where a call was interrupted, and keep the pace', async function () {
    if (!existsSync('/proc/self/stat')) return this.skip()
    const seed = Number(process.env['SEED'] ?? 1)
    console.log(`      SEED=${seed}`)
    const result = await runChaos({
      seed,
      mails: 30,
      durationMs: 5000,
      attackEveryMs: 400,
      attacks: ['kill', 'kill', 'kill in call', 'kill before 250', 'stop', 'full disk', 'lock'],
      longestStopMs: 1500,
      longestLockMs: 1000,
      longestFullMs: 1000,
      faultsPerCent: 15,
      faults: [
        'throttling',
        'service unavailable',
        'reset',
        'reset, carried out',
        'garbage',
        'empty, carried out',
        'rejected',
      ],
      rareFaults: [],
      intervalMs: 200,
      latencyMs: 60,
      timeoutMs: 5000,
      relayTimeoutMs: 3000,
      patienceMs: 60_000,
    })
    console.log(`      ${figuresOf(result)}`)
  })
})
