import assert from 'node:assert/strict'
import { type AttackKind, type Measure, planChaos } from './chaos-plan'

const KINDS: readonly AttackKind[] = ['kill', 'kill in call', 'kill before 250', 'stop', 'full disk', 'lock']
const MEASURE: Measure = {
  seed: 1,
  durationMs: 60_000,
  mails: 100,
  attackEveryMs: 1000,
  attacks: KINDS,
  longestStopMs: 9000,
  longestLockMs: 3000,
  longestFullMs: 2000,
  faultsPerCent: 30,
  faults: ['throttling', 'rejected'],
  rareFaults: ['expired credentials'],
}

describe('the plan of a chaos test', () => {
  it('is the same for the same seed, and another for another', () => {
    assert.deepEqual(planChaos(MEASURE), planChaos({ ...MEASURE }))
    const other = planChaos({ ...MEASURE, seed: 2 })
    for (const part of ['mails', 'attacks', 'faults'] as const)
      assert.notDeepEqual(other[part], planChaos(MEASURE)[part])
  })

  it('has each kind of attack as often as it stands there', () => {
    const { attacks } = planChaos(MEASURE)
    assert.equal(attacks.length, 60)
    for (const kind of KINDS) assert.equal(attacks.filter(attack => attack.kind === kind).length, 10, kind)
  })

  it('keeps what lasts within its measure, and everything within its time', () => {
    const { attacks, mails } = planChaos(MEASURE)
    for (const { atMs } of [...attacks, ...mails]) assert.ok(atMs >= 0 && atMs < MEASURE.durationMs)
    const longestMs = Math.max(...attacks.map(attack => ('forMs' in attack ? attack.forMs : 0)))
    assert.ok(longestMs > MEASURE.longestLockMs && longestMs <= MEASURE.longestStopMs)
  })

  it('has a rare fault once', () => {
    const { faults } = planChaos(MEASURE)
    assert.equal(faults.filter(name => name === 'expired credentials').length, 1)
  })

  it('keeps refusals apart, so that no five of them come in a row', () => {
    const { faults } = planChaos({ ...MEASURE, faultsPerCent: 100, faults: ['rejected'] })
    const at = faults.flatMap((name, index) => (name === 'rejected' ? [index] : []))
    assert.ok(at.length > 10)
    for (const [index, number] of at.slice(1).entries()) assert.ok(number - (at[index] ?? 0) >= 10)
  })
})
