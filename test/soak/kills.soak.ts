import { type ChaosOptions, runChaos } from '../live/support/chaos'
import { figuresOf } from '../live/support/chaos-figures'

const MINUTE_MS = 60_000

/** `SEED=1 MINUTES=10 npm run test:soak` */
describe('two Harakas on one queue, under all attacks, at the pace of SES', function () {
  const minutes = Number(process.env['MINUTES'] ?? 3)
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
  this.timeout((minutes * 3 + 10) * MINUTE_MS)

  it('lose nothing, bounce once more only where a call was interrupted, and keep the pace', async () => {
    console.log(`      SEED=${seed} MINUTES=${minutes}`)
    const result = await runChaos({ ...OPTIONS, seed, mails: minutes * 60, durationMs: minutes * MINUTE_MS })
    console.log(`      ${figuresOf(result)}`)
  })
})

const OPTIONS: Omit<ChaosOptions, 'seed' | 'mails' | 'durationMs'> = {
  attackEveryMs: 2500,
  attacks: [
    'kill',
    'kill',
    'kill',
    'kill',
    'kill in call',
    'kill in call',
    'kill before 250',
    'stop',
    'stop',
    'stop before call',
    'full disk',
    'lock',
  ],
  // beyond the eight seconds after which a silent dispatcher loses its turn
  longestStopMs: 16_000,
  longestLockMs: 6000,
  longestFullMs: 6000,
  faultsPerCent: 15,
  faults: [
    ...(['throttling', 'service unavailable', 'bad gateway', 'reset', 'reset, carried out'] as const),
    ...(['silence', 'silence, carried out', 'garbage', 'garbage, carried out'] as const),
    ...(['empty', 'empty, carried out', 'rejected'] as const),
  ],
  // a minute's pause each
  rareFaults: ['expired credentials', 'not verified'],
  intervalMs: 1000,
  latencyMs: 150,
  // longer than a dispatcher stands still for a locked file (3 s), as the default is
  timeoutMs: 5000,
  relayTimeoutMs: 8000,
  patienceMs: 5 * MINUTE_MS,
}
