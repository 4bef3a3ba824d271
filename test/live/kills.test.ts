import { assertKept, besiege, type Siege } from './support/siege'

describe('kill -9 of master, workers and dispatcher while mail comes in', function () {
  this.timeout(120_000)

  it('loses nothing, bounces at most once more per kill, and keeps the pace', async () => {
    const siege: Siege = {
      seed: Number(process.env['SEED'] ?? Date.now() % 1e6),
      mails: Number(process.env['MAILS'] ?? 20),
      durationMs: Number(process.env['DURATION'] ?? 10_000),
      killEveryMs: Number(process.env['KILL'] ?? 1200),
      intervalMs: Number(process.env['INTERVAL'] ?? 300),
      latencyMs: Number(process.env['LATENCY'] ?? 50),
    }
    console.log(`      seed ${siege.seed}`)
    const result = await besiege(siege)
    assertKept(result, siege)
  })
})
