// One answer to Haraka's hooks about a failed delivery, whatever happens: an answer too few or too late loses the mail.

import assert from 'node:assert/strict'
import { ok } from 'haraka-constants'
import {
  answerBounce,
  answerDeferred,
  type DeliveryOutcome,
  type DeliveryWork,
  wasSentBack,
} from '../../src/haraka/answer-delivery'
import type { OutboundMail } from '../../src/haraka/outbound-mail'
import type { HarakaPlugin } from '../../src/haraka/types'

const RECIPIENTS = [{ address: 'one@yours.example' }, { address: 'two@yours.example' }]

/** The part of Haraka that the answers touch. */
function haraka({ triesLeft = 1, timeout = 30, cancels = true } = {}) {
  const said: string[] = []
  const logged: string[] = []
  const log = (...data: unknown[]) => void logged.push(String(data.at(-1)))
  const plugin = {
    name: 'ses-bounce',
    timeout,
    logerror: log,
    logwarn: log,
    lognotice: log,
  } as unknown as HarakaPlugin
  const mail = {
    todo: { rcpt_to: RECIPIENTS },
    num_failures: 0,
    cfg: { temp_fail_intervals: Array.from({ length: triesLeft }, () => 5) },
    current_hook: cancels ? [plugin, 'decide_given_up', () => said.push('cancelled')] : [],
    hooks_to_run: ['another'],
    temp_fail: () => said.push('tried again'),
  } as unknown as OutboundMail
  let answered: () => void = () => undefined
  const answer = new Promise<void>(resolve => {
    answered = resolve
  })
  const next = (code?: number) => {
    said.push(code === undefined ? 'CONT' : code === ok ? 'OK' : String(code))
    answered()
  }
  const bounce = (work: DeliveryWork, isObserved = false) =>
    answerBounce({ plugin, mail, next, isObserved }, work)
  const deferred = (work: DeliveryWork) => answerDeferred({ plugin, mail, next }, work)
  return { said, logged, mail, bounce, deferred, answer }
}

const outcome =
  (value: DeliveryOutcome): DeliveryWork =>
  () =>
    Promise.resolve(value)
const fails: DeliveryWork = () => Promise.reject(new Error('the disk is full'))
const settled = () => new Promise(resolve => setImmediate(resolve))

describe('the answer about a delivery on which Haraka gives up', () => {
  it('is OK where all of it is done', async () => {
    const { said, bounce, answer } = haraka()
    bounce(outcome({ kind: 'done', own: [] }))
    await answer
    assert.deepEqual(said, ['OK'])
  })

  it('leaves it to Haraka where the rules are only observed and something fails, also where tries are left', async () => {
    const { said, logged, bounce, answer } = haraka()
    bounce(fails, true)
    await answer
    assert.deepEqual(said, ['CONT'])
    assert.match(logged.join(), /mode=observe.*the disk is full/)
  })

  it("leaves Haraka's own DSN to those for whom nothing was done", async () => {
    const { said, mail, bounce, answer } = haraka()
    bounce(outcome({ kind: 'done', own: RECIPIENTS.slice(1) }))
    await answer
    assert.deepEqual(said, ['CONT'])
    assert.deepEqual(mail.todo?.rcpt_to, RECIPIENTS.slice(1))
  })

  it('is a new try where a fault or a rule asks for one, and no plugin is asked any more', async () => {
    for (const work of [fails, outcome({ kind: 'again', reason: 'rule', isFault: false })]) {
      const { said, mail, bounce } = haraka()
      bounce(work)
      await settled()
      assert.deepEqual(said, ['cancelled', 'tried again'])
      assert.deepEqual(mail.hooks_to_run, [])
      assert.ok(wasSentBack(mail))
    }
  })

  it("is Haraka's own DSN where no try is left, or Haraka has no way back", async () => {
    for (const options of [{ triesLeft: 0 }, { cancels: false }]) {
      const { said, bounce, answer } = haraka(options)
      bounce(fails)
      await answer
      assert.deepEqual(said, ['CONT'])
    }
  })

  it('is no third try where Haraka asks again at once: its own DSN ends that', async () => {
    const { said, bounce } = haraka()
    bounce(fails)
    await settled()
    bounce(fails)
    await settled()
    assert.deepEqual(said, ['cancelled', 'tried again', 'CONT'])
  })

  it('comes before the time limit of Haraka, and forbids what is still at work to write', async () => {
    const { said, logged, bounce } = haraka({ timeout: 0.15 })
    const states: boolean[] = []
    let end: () => void = () => undefined
    bounce(async isLate => {
      states.push(isLate())
      await new Promise<void>(resolve => {
        end = resolve
      })
      states.push(isLate())
      throw new Error('too late for anybody')
    })
    while (said.length < 2) await settled()
    end()
    await settled()
    assert.deepEqual(said, ['cancelled', 'tried again'])
    assert.deepEqual(states, [false, true])
    assert.match(logged[0] ?? '', /it took longer than/)
  })
})

describe('the answer about a delivery that Haraka would try again', () => {
  it('is OK where all of it is done, and else lets Haraka go on', async () => {
    const works: [DeliveryWork, string][] = [
      [outcome({ kind: 'done', own: [] }), 'OK'],
      [outcome({ kind: 'done', own: RECIPIENTS.slice(1) }), 'CONT'],
      [outcome({ kind: 'again', reason: 'x', isFault: false }), 'CONT'],
      [outcome({ kind: 'untouched' }), 'CONT'],
      [fails, 'CONT'],
    ]
    for (const [work, expected] of works) {
      const { said, deferred, answer } = haraka()
      deferred(work)
      await answer
      assert.deepEqual(said, [expected])
    }
  })
})
