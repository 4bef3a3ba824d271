// The sessions that STS has given out: roles, users who may assume them, and temporary credentials with their end.
// In memory only. A refusal is returned as such; nothing throws.

import { randomBytes } from 'node:crypto'
import type { AssumeRoleRequest } from '@aws-sdk/client-sts'
import { type Caller, denied, OWN_USER } from './account'
import { roleParts } from './assume-role'
import type { KnownKey } from './signature'
import type { Refusal } from './xml'

/** A role that the emulator's own credentials may assume. */
export interface EmulatorRole {
  /** The role's name with its path. */
  name: string
  /** Its trust policy asks for it. */
  externalId?: string
}

export interface RolesOfAccount {
  /** The account's number, of 12 digits. */
  id: string
  /** Default 'any'. */
  roles?: 'any' | readonly EmulatorRole[]
}

export interface Session {
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken: string }
  caller: Caller
  /** Milliseconds since the epoch. */
  expiresMs: number
}

/** STS API: AssumeRole, the default of DurationSeconds. */
const SESSION_MS = 3_600_000

export class Sessions {
  readonly #accounts: 'any' | readonly RolesOfAccount[]
  readonly #longestMs: number
  /** The sessions by access key. */
  readonly #sessions = new Map<string, Session>()

  /** `longestMs`: sessions end after that time, if they were to last longer. */
  constructor(accounts: 'any' | readonly RolesOfAccount[], longestMs = Number.POSITIVE_INFINITY) {
    this.#accounts = accounts
    this.#longestMs = longestMs
  }

  assume(input: AssumeRoleRequest, nowMs: number): Session | Refusal {
    const { RoleArn = '', RoleSessionName: name = '', ExternalId, DurationSeconds } = input
    const role = roleParts(RoleArn)
    if (role === undefined || !this.#mayAssume(role, ExternalId))
      return denied({ action: 'AssumeRole', params: { RoleArn } })
    const lengthMs = Math.min((DurationSeconds ?? SESSION_MS / 1000) * 1000, this.#longestMs)
    const session: Session = {
      credentials: {
        // IAM: "IAM identifiers": temporary keys begin with ASIA, roles with AROA
        accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
        secretAccessKey: randomBytes(30).toString('base64'),
        sessionToken: randomBytes(96).toString('base64'),
      },
      caller: {
        account: role.account,
        arn: `arn:aws:sts::${role.account}:assumed-role/${role.name.split('/').at(-1)}/${name}`,
        userId: `AROALOCALSESLOCALSES:${name}`,
      },
      expiresMs: nowMs + lengthMs,
    }
    this.#sessions.set(session.credentials.accessKeyId, session)
    return session
  }

  /** The owner of a key, which needn't have signed the call. */
  callerOf(accessKeyId: string | undefined): Caller {
    return this.#sessions.get(accessKeyId ?? '')?.caller ?? OWN_USER
  }

  key(accessKeyId: string): KnownKey | undefined {
    const session = this.#sessions.get(accessKeyId)
    return session && { ...session.credentials, expiresMs: session.expiresMs }
  }

  /** Ends all sessions now, or those of an account. */
  end(account?: string): void {
    for (const session of this.#sessions.values())
      if (account === undefined || session.caller.account === account) session.expiresMs = 0
  }

  #mayAssume({ account, name }: { account: string; name: string }, externalId: string | undefined): boolean {
    if (this.#accounts === 'any') return true
    const known = this.#accounts.find(({ id }) => id === account)
    if (known === undefined) return false
    const { roles = 'any' } = known
    if (roles === 'any') return true
    return roles.some(role => role.name === name && role.externalId === externalId)
  }
}
