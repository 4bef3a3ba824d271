// The verdict finds what it is there for: with a check of the queue's functions taken out, in the database alone, the same
// harms leave faults behind. If it found none, a history without faults would prove nothing.

import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import type { PostgresServer } from '../../postgres/server'
import { until } from '../support/wait'
import { leaderOf } from './audit'
import type { Harm } from './history'
import { SCHEMA } from './hosts'
import { Several } from './several'

/** Mails at once, to all hosts. */
const BURST = 60
const MOST_TRIES = 5
/** Time for two leaders to come too close to each other. */
const TWO_LEADERS_MS = 8000

describe('the verdict on several hosts', function () {
  let several: Several
  beforeEach(async () => {
    several = await Several.begin()
  })
  afterEach(() => several.end())

  it('finds nothing where a leader is robbed of its lead, as each of its steps is checked', async () => {
    assert.deepEqual(await several.during(() => robTheLeader(several)), [])
  })

  it('finds the calls of two leaders where nothing checks them', async () => {
    await weaken(several.server, 'other_leader_1', /RETURN \(\s*SELECT[^;]*;/, 'RETURN NULL;')
    for (const name of ['begin_call_1', 'heartbeat_1'])
      await weaken(several.server, name, / AND term = [^;]*? AND token = args->>'token'/, '')
    const faults = (await several.during(() => robTheLeader(several))).join('\n')
    assert.match(faults, /began a call of job \S+ while web-\d led/)
    assert.match(faults, /call \d+ in \S+ came [\d.]+ ms after the one before/)
  })

  it('finds the bounces beyond a cap where writers take no turns', async () => {
    await weaken(several.server, 'take_turn_1', /PERFORM 1 FROM turn WHERE one = 1 FOR UPDATE;/, '')
    for (let tried = 0; tried < MOST_TRIES; tried++) {
      const sender = `burst${tried}@origin.example`
      for (let n = 0; n < BURST; n++) several.relay.send({ sender })
      await several.relay.answered()
      if ((await several.faults()).some(fault => fault.includes(`jobs of ${sender}, who may have`))) return
    }
    assert.fail('no cap was passed')
  })

  it('finds the mail that is lost where a commit is answered before it is on disk', async () => {
    await weaken(
      several.server,
      'take_turn_1',
      /IF current_setting\('synchronous_commit'\)[^;]*;\s*END IF;/,
      "PERFORM set_config('synchronous_commit', 'off', true);",
    )
    several.server.set({ wal_writer_delay: '10s' })
    several.server.reload()
    for (let tried = 0; tried < MOST_TRIES; tried++) {
      const mails = Array.from({ length: BURST }, () => several.relay.send())
      while (!mails.some(({ told }) => told.at(-1)?.reply?.startsWith('2'))) await pause(1)
      await several.server.kill()
      await several.server.start()
      await several.relay.answered()
      if ((await several.faults()).some(fault => fault.includes('was accepted, and has no job'))) return
    }
    assert.fail('no mail was lost')
  })
})

/** A dispatcher takes it, while the old leader knows of nothing. */
async function robTheLeader({ server }: Several): Promise<Harm> {
  const fromMs = Date.now()
  await server.query(`UPDATE ${SCHEMA}.leader SET token = ''`, [], 'mail')
  await until(() => leaderOf(server), { what: 'a leader' })
  await pause(TWO_LEADERS_MS)
  return { what: 'the leader is robbed of its lead', fromMs, toMs: Date.now() }
}

/** A function of the schema, with a part of its text replaced. */
async function weaken(server: PostgresServer, name: string, part: RegExp, by: string): Promise<void> {
  const [row] = await server.query<{ text: string }>(
    'SELECT pg_get_functiondef(oid) AS text FROM pg_proc WHERE proname = $1 AND pronamespace = $2::regnamespace',
    [name, SCHEMA],
    'mail',
  )
  const text = row?.text ?? ''
  assert.match(text, part, name)
  await server.query(
    text.replace(part, () => by),
    [],
    'mail',
  )
}
