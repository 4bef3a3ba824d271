// The line at boot: mode, relays, rules, accounts, queue and SES.

import assert from 'node:assert/strict'
import type { ActiveConfig } from '../../src/app/active-config'
import { bootLine } from '../../src/app/boot-line'
import type { Account } from '../../src/config/accounts'
import type { QueuePlace } from '../../src/queue/target'
import { SETTINGS } from '../policy/support'

const account = (name: string) => ({ name }) as Account

describe('the line at boot', () => {
  const rules = [{ mode: 'observe' }, { mode: 'enforce' }] as unknown as ActiveConfig['policy']['rules']
  const line = (changes: Partial<ActiveConfig['settings']>, place: QueuePlace) =>
    bootLine(
      { settings: { ...SETTINGS, ...changes }, policy: { rules } as ActiveConfig['policy'] },
      place,
    ).replace(/^\S+ \S+: /, '')

  it('says mode, relays, rules, accounts, queue and where bounces go', () => {
    const relay = { ...SETTINGS.relay, trusted: ['192.0.2.10', '2001:db8::/64'], authUsers: ['relay'] }
    const postgres = { store: 'postgres', host: 'db', port: 5432, user: 'u', database: 'd', schema: 's' }
    assert.equal(
      line({ relay, accounts: [account('one'), account('two')], ses: { ...SETTINGS.ses, endpoint: '' } }, {
        ...postgres,
        hostName: 'web-1',
      } as QueuePlace),
      'mode = enforce; relays 192.0.2.10, 2001:db8::/64, login relay; 2 rules, 1 with mode = observe; accounts one, two; ' +
        'queue in PostgreSQL db:5432/d, schema s, as host web-1; bounces go to SES',
    )
  })

  it('says that the last good configuration is in force, if it is', () => {
    const active = { settings: SETTINGS, policy: { rules } as ActiveConfig['policy'] }
    const place: QueuePlace = { store: 'sqlite', file: '/q.sqlite' }
    assert.match(
      bootLine(active, place, '2025-02-20T12:00:00.000Z'),
      /; the files have errors: this is the last good configuration, of 2025-02-20T12:00:00\.000Z$/,
    )
  })

  it('says that bounces do not go to SES, and cuts a very long list', () => {
    const relay = { ...SETTINGS.relay, trusted: Array.from({ length: 500 }, (_, n) => `192.0.2.${n}`) }
    const said = line(
      { relay, ses: { ...SETTINGS.ses, endpoint: 'local' } },
      { store: 'sqlite', file: '/q.sqlite' },
    )
    assert.match(said, /queue in \/q\.sqlite; bounces go to the local emulator, not to SES$/)
    assert.ok(said.length < 500, said)
  })
})
