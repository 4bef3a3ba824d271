import { assertKept, besiege, type Siege } from '../live/support/siege'

const MINUTE_MS = 60_000

/** `SEED=1 MINUTES=10 npm run test:soak` */
describe('kill -9 of master, workers and dispatcher every two seconds, at the pace of SES', function () {
  const minutes = Number(process.env['MINUTES'] ?? 3)
  this.timeout((minutes * 3 + 2) * MINUTE_MS)

  it('loses nothing, bounces at most once more per kill, and keeps the pace', async () => {
    const siege: Siege = {
      seed: Number(process.env['SEED'] ?? Date.now() % 1e6),
      mails: minutes * 50,
      durationMs: minutes * MINUTE_MS,
      killEveryMs: 2000,
      intervalMs: 1000,
      latencyMs: 200,
    }
    console.log(`      seed ${siege.seed}, ${minutes} minutes, ${siege.mails} mails`)
    assertKept(await besiege(siege), siege)
  })
})
