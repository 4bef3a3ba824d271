// Some of `npm run test:hosts`: what befalls hosts most often.

import assert from 'node:assert/strict'
import { Several } from './several'
import { strike } from './strike'

describe('three hosts on one queue in PostgreSQL', function () {
  let several: Several
  before(async () => {
    several = await Several.begin()
  })
  after(() => several.end())

  it('make each bounce once when the leading dispatcher is killed before its call', async () => {
    const faults = await several.during(() =>
      strike(several, 'the leader between begin and call', { kind: 'kill' }),
    )
    assert.deepEqual(faults, [])
  })

  it('lose no mail whose worker is cut off from the database after it has added the bounce', async () => {
    const faults = await several.during(() => strike(several, 'a worker that adds a bounce', { kind: 'cut' }))
    assert.deepEqual(faults, [])
  })
})
