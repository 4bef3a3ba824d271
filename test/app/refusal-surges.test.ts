import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { RefusalSurges } from '../../src/app/refusal-surges'
import { SurgeFiles, surgeFolder } from '../../src/app/surge-files'
import type { RefusalStage } from '../../src/mail/refusal'
import { temporaryFolder } from '../queue/support'

const LDAP = { by: 'rcpt-ldap', stage: 'rcpt' } as const

describe('a surge of refusals', () => {
  let remove: () => void
  let files: SurgeFiles
  let log: string[]
  let nowMonoMs: number
  const surge = { percent: 50, perMs: 600_000 }
  const watch = () =>
    new RefusalSurges({
      files,
      surge: () => surge,
      nowMs: () => 0,
      nowMonoMs: () => nowMonoMs,
      log: (level, message) => void log.push(`${level}: ${message}`),
    })
  const refuse = (surges: RefusalSurges, count: number, from = 0) =>
    Array.from({ length: count }, (_, at) => surges.refused(LDAP, [`bad${from + at}@yours.example`]))
  const accept = (surges: RefusalSurges, count: number, stage: RefusalStage = 'rcpt') => {
    for (let at = 0; at < count; at++) surges.accepted(stage, [`good${at}@yours.example`])
  }

  beforeEach(() => {
    const made = temporaryFolder()
    remove = made.remove
    files = new SurgeFiles(surgeFolder(made.folder))
    log = []
    nowMonoMs = 0
  })
  afterEach(() => remove())

  it('begins when 20 different recipients were refused and none accepted, with an error in the log', () => {
    const surges = watch()
    assert.deepEqual(refuse(surges, 19).includes(true), false)
    assert.deepEqual(refuse(surges, 2, 19), [true, true])
    assert.equal(log.length, 1)
    assert.match(
      log[0] ?? '',
      /^error: refused_by=rcpt-ldap stage=rcpt error="rcpt-ldap has refused 20 of the last 20/,
    )
    assert.deepEqual(
      files.all().map(({ by }) => by),
      ['rcpt-ldap'],
    )
  })

  it('goes on while its file can not be written, with the reason in the log', () => {
    const { folder, remove: removeFolder } = temporaryFolder()
    const inTheWay = path.join(folder, 'file')
    writeFileSync(inTheWay, '')
    files = new SurgeFiles(inTheWay)
    const surges = watch()
    assert.deepEqual(refuse(surges, 22).slice(19), [true, true, true])
    assert.match(log[0] ?? '', /^error: refused_by=rcpt-ldap stage=rcpt .*error="?EEXIST/)
    removeFolder()
  })

  it('does not begin while one recipient is refused again and again', () => {
    const surges = watch()
    for (let time = 0; time < 100; time++) assert.equal(surges.refused(LDAP, ['bad@yours.example']), false)
  })

  it('does not begin below the share', () => {
    const surges = watch()
    accept(surges, 50)
    assert.equal(refuse(surges, 49).includes(true), false)
    assert.deepEqual(refuse(surges, 1, 49), [true])
  })

  it('does not begin when the refusals are spread over a longer time', () => {
    const surges = watch()
    for (let at = 0; at < 100; at++) {
      assert.equal(surges.refused(LDAP, [`bad${at}@yours.example`]), false)
      nowMonoMs += surge.perMs / 15
    }
  })

  it('concerns the plugin alone', () => {
    const surges = watch()
    refuse(surges, 30)
    assert.equal(surges.refused({ by: 'access', stage: 'rcpt' }, ['bad@yours.example']), false)
  })

  it('concerns one server alone where Haraka delivers to several', () => {
    const surges = watch()
    const delivery = { by: 'outbound', stage: 'delivery' } as const
    const refusedBy = (server: string, count: number) =>
      Array.from({ length: count }, (_, at) => surges.refused(delivery, [`bad${at}@${server}`], server))
    assert.equal(refusedBy('broken.example', 20).at(-1), true)
    assert.match(log[0] ?? '', /"outbound broken\.example has refused 20 .* is tried again later/)
    assert.equal(refusedBy('fine.example', 5).includes(true), false)
    surges.accepted('delivery', ['good@fine.example'], 'fine.example')
    assert.equal(refusedBy('broken.example', 1).at(-1), true)
    surges.accepted('delivery', ['good@broken.example'], 'broken.example')
    assert.equal(refusedBy('broken.example', 1).at(-1), false)
  })

  it('is counted among the last 1,000 recipients, each once, whatever came before', () => {
    const surges = watch()
    for (let time = 0; time < 3; time++) accept(surges, 1000)
    accept(surges, 1700)
    accept(surges, 300)
    assert.equal(refuse(surges, 499).includes(true), false)
    assert.deepEqual(refuse(surges, 1, 499), [true])
    assert.match(log[0] ?? '', /has refused 500 of the last 1000 recipients/)
  })

  it('remembers only so many servers', () => {
    const surges = watch()
    const delivery = { by: 'outbound', stage: 'delivery' } as const
    for (let at = 0; at < 19; at++) surges.refused(delivery, [`bad${at}@first.example`], 'first.example')
    for (let at = 0; at < 200; at++) surges.refused(delivery, ['bad@x.example'], `x${at}.example`)
    assert.equal(surges.refused(delivery, ['bad@first.example'], 'first.example'), false)
  })

  it('ends when a recipient is accepted at its stage, and counts anew', () => {
    const surges = watch()
    refuse(surges, 30)
    accept(surges, 1, 'queue')
    assert.deepEqual(refuse(surges, 1), [true])
    accept(surges, 1)
    assert.match(log[1] ?? '', /^notice: refused_by=rcpt-ldap stage=rcpt notice="it has accepted a recipient/)
    assert.deepEqual(files.all(), [])
    assert.equal(refuse(surges, 18, 100).includes(true), false)
  })

  it('is known to other processes, and ends for all when an operator ends it', () => {
    const [one, another] = [watch(), watch()]
    refuse(one, 30)
    assert.deepEqual(refuse(another, 1), [true])
    files.end('rcpt-ldap')
    assert.deepEqual(refuse(another, 1), [false])
    assert.deepEqual(refuse(one, 1), [false])
  })

  it('never begins where it is turned off', () => {
    const surges = new RefusalSurges({
      files,
      surge: () => undefined,
      nowMs: () => 0,
      nowMonoMs: () => 0,
      log: () => assert.fail(),
    })
    assert.equal(refuse(surges, 100).includes(true), false)
  })
})
