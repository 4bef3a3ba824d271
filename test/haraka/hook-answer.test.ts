// The one answer that a hook of Haraka gets, whatever happens.

import assert from 'node:assert/strict'
import { mock } from 'node:test'
import { denysoft, ok } from 'haraka-constants'
import { answerHook, type HookAnswer, TRY_LATER } from '../../src/haraka/hook-answer'
import { keepLimit } from '../../src/haraka/hook-limit'
import { RepeatedFaults } from '../../src/haraka/repeated-faults'
import type { HarakaConnection, HarakaPlugin } from '../../src/haraka/types'

const LIMIT_S = 30

/** A hook that is called, with the answers and the log lines that come of it. */
function called({ keeps = true, limitS = LIMIT_S } = {}) {
  const answers: unknown[][] = []
  const lines: unknown[] = []
  const fields = {
    name: 'ses-bounce',
    timeout: limitS,
    logerror: (_: unknown, line: unknown) => lines.push(line),
  }
  const plugin = fields as unknown as HarakaPlugin
  if (keeps) keepLimit(plugin)
  let faults = 0
  const call = {
    plugin,
    connection: {} as HarakaConnection,
    next: (...answer: unknown[]) => void answers.push(answer),
    failed: () => void faults++,
    faults: new RepeatedFaults(),
  }
  return { call, plugin, answers, lines, faults: () => faults }
}

describe('a hook that is answered later', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
  afterEach(() => mock.timers.reset())

  it('gets the answer, and nothing when its time would have been over', async () => {
    const { call, answers, faults } = called()
    const work = Promise.resolve<HookAnswer>({ code: ok, text: 'Taken' })
    answerHook(call, () => work)
    await work
    mock.timers.tick(LIMIT_S * 2000)
    assert.deepEqual(answers, [[ok, 'Taken']])
    assert.equal(faults(), 0)
  })

  it('gets a temporary refusal when its time is over, and no answer after that', async () => {
    const { call, answers, lines, faults } = called()
    const { promise, resolve } = withResolvers()
    answerHook(call, () => promise)
    mock.timers.tick(LIMIT_S * 1000 - 1)
    assert.deepEqual(answers, [])
    mock.timers.tick(1)
    assert.deepEqual(answers, [[denysoft, TRY_LATER]])
    resolve({ code: ok })
    await promise
    assert.deepEqual(answers, [[denysoft, TRY_LATER]])
    assert.deepEqual([lines, faults()], [['temporary refusal: it took longer than 30 s'], 1])
  })

  it('gets one temporary refusal when the work fails after its time', async () => {
    const { call, answers, faults } = called()
    const { promise, reject } = withResolvers()
    answerHook(call, () => promise)
    mock.timers.tick(LIMIT_S * 1000)
    reject(new Error('too late'))
    await assert.rejects(promise)
    assert.deepEqual(answers, [[denysoft, TRY_LATER]])
    assert.equal(faults(), 1)
  })

  it('has no end where config/plugin_timeout has none, or where Haraka keeps the time', async () => {
    for (const options of [{ limitS: 0 }, { keeps: false }]) {
      const { call, answers } = called(options)
      const { promise, resolve } = withResolvers()
      answerHook(call, () => promise)
      mock.timers.tick(LIMIT_S * 10_000)
      assert.deepEqual(answers, [])
      resolve({ code: ok })
      await promise
      assert.deepEqual(answers, [[ok, undefined]])
    }
  })
})

describe('the time limit of a plugin', () => {
  it('is no longer kept by Haraka once the plugin keeps it', () => {
    const { plugin } = called()
    assert.equal(plugin.timeout, 0)
  })

  it('stays what it was when the plugin is told twice to keep it', () => {
    const { call, plugin, answers } = called()
    keepLimit(plugin)
    mock.timers.enable({ apis: ['setTimeout'] })
    try {
      answerHook(call, () => withResolvers().promise)
      mock.timers.tick(LIMIT_S * 1000)
      assert.equal(answers.length, 1)
    } finally {
      mock.timers.reset()
    }
  })
})

function withResolvers() {
  let resolve: (answer: HookAnswer) => void = () => undefined
  let reject: (error: Error) => void = () => undefined
  const promise = new Promise<HookAnswer>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
