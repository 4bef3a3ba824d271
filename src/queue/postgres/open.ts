// Opens the views of a queue in PostgreSQL, changes by hand, and the notes of hosts about themselves.

import type { CounterStore } from '../counters'
import type { HostRegister } from '../hosts'
import type { OperatorQueue, QueueReader } from '../operator'
import { counterStoreOf } from './counter-store'
import { hostRegisterOf } from './hosts'
import { mailLedger } from './mail-ledger'
import { operatorQueueOf } from './operator-queue'
import { readerOf } from './reader'
import type { PostgresTarget } from './target'
import { openCommandConnection, shareViewConnection } from './view-connection'

/** `hostName`: of this host, whose counts are its own. */
type Target = PostgresTarget & { hostName: string }

/** `isInSmtpProcess`: answers come within the time of mail, or not at all. */
export function openOperatorQueue(
  target: Target,
  { home, isInSmtpProcess = false }: { home: string; isInSmtpProcess?: boolean },
): OperatorQueue {
  const connection = isInSmtpProcess ? shareViewConnection(target) : openCommandConnection(target)
  return operatorQueueOf(connection, { home, host: target.hostName }, mailLedger(connection, home))
}

export function openQueueReader(target: Target, { home = '' }: { home?: string } = {}): QueueReader {
  return readerOf(shareViewConnection(target), { home, host: target.hostName })
}

export function openCounterStore(target: Target): CounterStore {
  return counterStoreOf(shareViewConnection(target), target.hostName)
}

export function openHostRegister(target: Target): HostRegister {
  return hostRegisterOf(shareViewConnection(target))
}
