// The role that makes a lane's calls. An account that the configuration doesn't have any more has none: its jobs wait, and
// the lane says so.

import type { Outcome } from '../queue/effects'
import type { MonoMs } from '../units'
import { createRoleClient } from './assume-role'
import type { ClientOptions } from './client'
import { LaneCredentials } from './lane-credentials'

export interface Role {
  /** The account's name. */
  name: string
  /** Undefined: a call can be made now. Else resolves when STS has answered, whatever it was. Never rejects. */
  prepare(): Promise<void> | undefined
  /** The outcome of a call that can't be made. Undefined: it can. */
  fault(): Outcome | undefined
  /** Whether a call was made with the present credentials. */
  wasUsed(): boolean
  /** Forgets the present credentials. */
  drop(): void
  provide: LaneCredentials['provide']
  close(): void
}

export function roleOf(number: string, region: string, options: ClientOptions, monoMs: () => MonoMs): Role {
  const account = options.accounts?.find(one => one.number === number)
  if (account === undefined) return unknownAccount(number)
  const client = createRoleClient(options, region, account)
  const credentials = new LaneCredentials({
    account,
    assumeRole: () => client.assumeRole(),
    nowMs: Date.now,
    monoMs,
  })
  return {
    name: account.name,
    prepare: () => credentials.prepare(),
    fault: () => credentials.fault(),
    wasUsed: () => credentials.wasUsed(),
    drop: () => credentials.drop(),
    provide: () => credentials.provide(),
    close: () => client.close(),
  }
}

/** A worker may have read a new account some seconds before this process, which then makes new clients. */
const TRIES_BEFORE_PAUSE = 5
const BETWEEN_TRIES_MS = 1000

function unknownAccount(number: string): Role {
  const detail = `no [account.NAME] has a role in account ${number}`
  let tries = 0
  return {
    name: number,
    prepare: () => undefined,
    fault: () =>
      ++tries > TRIES_BEFORE_PAUSE
        ? { kind: 'blocked', scope: 'region', detail }
        : { kind: 'temporary', detail, laneWaitMs: BETWEEN_TRIES_MS },
    wasUsed: () => false,
    drop: () => undefined,
    provide: () => Promise.reject(new Error(detail)),
    close: () => undefined,
  }
}
