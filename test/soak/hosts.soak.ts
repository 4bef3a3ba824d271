import assert from 'node:assert/strict'
import { Several } from '../live/several/several'
import { BLOWS, type Blow, nameOf, strike, VICTIMS, type Victim } from '../live/several/strike'
import { pick, seeded } from '../live/support/random'

const MINUTE_MS = 60_000
/** Beyond the eight seconds after which a silent leader loses the lead. */
const LONGEST_STOP_MS = 16_000
/** The number of harms in a hundred that come beside another one. */
const PAIRS_PER_CENT = 25

/** `SEED=1 MINUTES=30 npm run test:soak` */
describe('three hosts on one queue, harmed at random', function () {
  const minutes = Number(process.env['MINUTES'] ?? 3)
  const seed = Number(process.env['SEED'] ?? Date.now() % 1e6)
  this.timeout((minutes * 2 + 10) * MINUTE_MS)
  const random = seeded(seed)
  let several: Several
  before(async () => {
    several = await Several.begin({ seed })
  })
  after(() => several.end())

  it('lose nothing, make a bounce once more only where a call was interrupted, and keep the pace', async () => {
    console.log(`      SEED=${seed} MINUTES=${minutes}`)
    const endMs = Date.now() + minutes * MINUTE_MS
    const done: string[] = []
    while (Date.now() < endMs) {
      const harms = draw()
      done.push(harms.map(({ victim, blow }) => `${victim}: ${nameOf(blow)}`).join(', and '))
      const faults = await several
        .during(async () => {
          const [harm, ...others] = await Promise.all(
            harms.map(({ victim, blow }) => strike(several, victim, blow)),
          )
          several.harms.push(...others)
          return harm
        })
        .catch((error: unknown) => [String(error)])
      assert.deepEqual(faults, [], `SEED=${seed}, after\n${done.join('\n')}`)
    }
    assert.deepEqual(await several.finish(), [], `SEED=${seed}`)
    const { jobs, calls } = await several.history()
    const interrupted = jobs.filter(({ interruptions }) => interruptions > 0).length
    console.log(
      `      ${done.length} times harmed: ${several.relay.mails.length} mails, ${jobs.length} jobs, ` +
        `${calls.length} calls, ${interrupted} jobs interrupted`,
    )
  })

  /** One harm, or one to a host beside one to the database. */
  function draw(): { victim: Victim; blow: Blow }[] {
    const victim = pick(random, VICTIMS) ?? 'the database'
    const first = { victim, blow: drawBlow() }
    if (victim === 'the database' || random() * 100 >= PAIRS_PER_CENT) return [first]
    return [first, { victim: 'the database', blow: drawBlow() }]
  }

  function drawBlow(): Blow {
    const blow = pick(random, BLOWS) ?? { kind: 'kill' }
    if (blow.kind !== 'stop') return blow
    return { kind: 'stop', forMs: 100 + Math.floor(random() * LONGEST_STOP_MS) }
  }
})
