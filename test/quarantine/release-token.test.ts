// A pass is good once, for a minute, and for nobody who doesn't know it.

import assert from 'node:assert/strict'
import { readdirSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { folderTokens } from '../../src/quarantine/release-token'
import { temporaryFolder } from '../queue/support'

describe('a pass for mail from the quarantine', () => {
  let folder: string
  let remove: () => void
  beforeEach(() => {
    const made = temporaryFolder()
    folder = path.join(made.folder, 'passes')
    remove = made.remove
  })
  afterEach(() => remove())

  const MINUTE_MS = 60_000
  const file = () => path.join(folder, readdirSync(folder)[0] ?? '')
  /** The file is as old as that. */
  const made = (ms: number) => utimesSync(file(), ms / 1000, ms / 1000)

  it('is good once, though several ask at the same time', async () => {
    const { token } = await folderTokens(folder).issue(Date.now())
    const answers = await Promise.all([1, 2, 3, 4].map(() => folderTokens(folder).redeem(token, Date.now())))
    assert.equal(answers.filter(Boolean).length, 1)
    assert.deepEqual(readdirSync(folder), [])
  })

  it('is good for a minute, whichever way the clock was set', async () => {
    for (const [ageMs, isGood] of [
      [MINUTE_MS, true],
      [MINUTE_MS + 1, false],
      [-MINUTE_MS - 1, false],
    ] as const) {
      const { token } = await folderTokens(folder).issue(0)
      made(1_000_000)
      assert.equal(await folderTokens(folder).redeem(token, 1_000_000 + ageMs), isGood, String(ageMs))
      assert.equal(await folderTokens(folder).redeem(token, 1_000_000), false)
    }
  })

  it('is nothing that can be guessed or read, and leads out of its folder by no name', async () => {
    const { token } = await folderTokens(folder).issue(Date.now())
    assert.match(token, /^[0-9a-f]{64}$/)
    assert.ok(!file().includes(token))
    for (const other of ['', path.basename(file()), '../passes', `${token}0`, '\0'])
      assert.equal(await folderTokens(folder).redeem(other, Date.now()), false)
    assert.equal(await folderTokens(folder).redeem(token, Date.now()), true)
    assert.equal(await folderTokens(path.join(folder, 'nowhere')).redeem(token, Date.now()), false)
  })

  it('is readable only for its owner, and can be revoked', async () => {
    const { token, revoke } = await folderTokens(folder).issue(Date.now())
    assert.deepEqual(
      [folder, file()].map(name => statSync(name).mode & 0o777),
      [0o700, 0o600],
    )
    await revoke()
    await revoke()
    assert.equal(await folderTokens(folder).redeem(token, Date.now()), false)
  })

  it('is removed with the next one, if it was not revoked', async () => {
    await folderTokens(folder).issue(Date.now())
    made(Date.now() - 2 * MINUTE_MS)
    await folderTokens(folder).issue(Date.now())
    assert.equal(readdirSync(folder).length, 1)
  })
})
