import { assertKept, besiege, type Siege } from './support/siege'

describe('kill -9 of master, workers and dispatcher while mail comes in', function () {
  it('loses nothing, bounces at most once more per kill, and keeps the pace', async () => {
    const siege: Siege = {
      seed: Number(process.env['SEED'] ?? Date.now() % 1e6),
      mails: 20,
      durationMs: 8000,
      killEveryMs: 1000,
      intervalMs: 250,
      slackMs: 60,
      latencyMs: 50,
    }
    console.log(`      seed ${siege.seed}`)
    const result = await besiege(siege)
    assertKept(result, siege)
  })
})
