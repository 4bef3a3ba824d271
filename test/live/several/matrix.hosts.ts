// `npm run test:hosts`: everything that may happen to a host or to the database, at every moment that matters.

import assert from 'node:assert/strict'
import { Several } from './several'
import { BLOWS, nameOf, strike, VICTIMS } from './strike'

describe('three hosts on one queue', function () {
  let several: Several
  before(async () => {
    several = await Several.begin()
  })
  after(() => several.end())

  it('send the bounces of all, at one pace, while nothing is wrong', async () => {
    assert.deepEqual(await several.during(async () => undefined), [])
  })

  for (const victim of VICTIMS) {
    for (const blow of BLOWS) {
      it(`lose nothing and keep the pace when ${victim} is ${nameOf(blow)}`, async () => {
        assert.deepEqual(await several.during(() => strike(several, victim, blow)), [])
      })
    }
  }

  it('have made every bounce in the end', async () => {
    assert.deepEqual(await several.finish(), [])
  })
})
