import { runChaos } from '../live/support/chaos'
import { figuresOf } from '../live/support/chaos-figures'

/** `SEED=1 npm run test:soak`: stops that are aimed at the moment between the begin of a call and its leaving. */
describe('dispatchers that are stopped when a call of theirs begins, and lose their turn', function () {
  this.timeout(10 * 60_000)

  it('make no call when they wake up beside their successor', async () => {
    const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
    console.log(`      SEED=${seed}`)
    const result = await runChaos({
      seed,
      mails: 240,
      durationMs: 60_000,
      attackEveryMs: 14_000,
      attacks: ['stop before call'],
      longestStopMs: 16_000,
      longestLockMs: 0,
      longestFullMs: 0,
      faultsPerCent: 0,
      faults: [],
      rareFaults: [],
      intervalMs: 300,
      latencyMs: 60,
      timeoutMs: 5000,
      relayTimeoutMs: 8000,
      patienceMs: 120_000,
    })
    console.log(`      ${figuresOf(result)}`)
  })
})
