// Makes a mail for evaluation from a transaction of Haraka, and finds its recipients for each RCPT TO command.
// Only reads the transaction. The raw mail and other plugins' results are read when a rule needs them.

import type { IncomingMail } from '../app/evaluate-mail'
import type { Content } from '../mail/content'
import type { Envelope } from '../mail/facts'
import type { Refusal } from '../mail/refusal'
import type { EpochMs, MonoMs } from '../units'
import type { WorkerThreads } from '../worker-thread/worker-threads'
import { isHeaderCut, lineLengthOf } from './header-limit'
import { hasOwnReceived } from './own-received'
import { pipeRaw } from './pipe-raw'
import { resultsAt } from './plugin-results'
import { rawMail } from './raw-mail'
import type { RcptCommand, RcptCommands, Targets } from './rcpt-commands'
import type { HarakaAddress, HarakaConnection, HarakaTransaction } from './types'

export interface IncomingMailOptions {
  recipients: readonly Targets<HarakaAddress>[]
  /** Refusals of other plugins that the relay hasn't heard. */
  refusalsOf?: ((command: RcptCommand | undefined) => readonly Refusal[]) | undefined
  /** [content] limit. */
  contentLimitBytes: number
  /** A rule asks for the files in archives. */
  opensArchives: boolean
  workerThreads: Pick<WorkerThreads, 'contentOf' | 'search'>
  nowMs: EpochMs
  /** Monotonic milliseconds: setting the clock doesn't change them. */
  nowMonoMs: () => MonoMs
  passedOver?: IncomingMail['passedOver']
}

export function incomingMailOf(
  connection: HarakaConnection,
  transaction: HarakaTransaction,
  options: IncomingMailOptions,
): IncomingMail {
  return new TransactionMail(connection, transaction, options)
}

/**
 * A class, as each getter in an object literal gets a hidden class of its own, which keeps the getter's mail until the next
 * full garbage collection.
 */
class TransactionMail implements IncomingMail {
  readonly envelope: Envelope
  readonly headerLines: readonly string[]
  readonly headerIsCut: boolean
  readonly ownFields: number
  readonly lineLength: number | undefined
  readonly nowMs: EpochMs
  readonly passedOver: IncomingMail['passedOver']
  readonly #connection: HarakaConnection
  readonly #transaction: HarakaTransaction
  readonly #options: IncomingMailOptions

  constructor(connection: HarakaConnection, transaction: HarakaTransaction, options: IncomingMailOptions) {
    this.#connection = connection
    this.#transaction = transaction
    this.#options = options
    this.envelope = envelopeOf(connection, transaction, options)
    this.headerLines = transaction.header_lines
    this.headerIsCut = isHeaderCut(transaction)
    this.ownFields = hasOwnReceived(transaction) ? 1 : 0
    this.lineLength = lineLengthOf(transaction)
    this.nowMs = options.nowMs
    this.passedOver = options.passedOver
  }

  get nowMonoMs(): MonoMs {
    return this.#options.nowMonoMs()
  }

  get search(): IncomingMail['search'] {
    return this.#options.workerThreads.search
  }

  content(): Promise<Content> {
    const { data_bytes: sizeBytes, message_stream: stream } = this.#transaction
    const { workerThreads, contentLimitBytes, opensArchives } = this.#options
    const read = () => rawMail(to => pipeRaw(stream, to), sizeBytes)
    return workerThreads.contentOf({ sizeBytes, read }, contentLimitBytes, opensArchives)
  }

  results(path: string): readonly (string | number)[] {
    return resultsAt([this.#transaction.results, this.#connection.results], path)
  }
}

function envelopeOf(
  { remote }: HarakaConnection,
  transaction: HarakaTransaction,
  { recipients, refusalsOf }: IncomingMailOptions,
): Envelope {
  return {
    sender: transaction.mail_from?.address ?? '',
    recipients: recipients.map(({ command, targets }) => {
      const recipient = command ?? {
        address: targets[0]?.address ?? '',
        notifyNever: false,
        isUnattributed: true,
      }
      const refusals = refusalsOf?.(command) ?? []
      return refusals.length > 0 ? { ...recipient, refusals } : recipient
    }),
    rcptCommands: answeredCommands(transaction) ?? transaction.rcpt_to.length,
    relayIp: remote.ip,
    sizeBytes: transaction.data_bytes,
  }
}

/** One entry for each RCPT TO, in order. `commands`. Undefined: the relay became trusted after the last command. */
export function targetsOf(
  transaction: HarakaTransaction,
  commands: RcptCommands<HarakaAddress> | undefined,
): Targets<HarakaAddress>[] {
  if (commands !== undefined) return commands.targetsIn(transaction.rcpt_to, answeredCommands(transaction))
  return transaction.rcpt_to.map(target => ({
    command: { address: target.address, notifyNever: false },
    targets: [target],
  }))
}

/**
 * The recipients of a transaction that aren't consumed. A plugin may have replaced its addresses by copies meanwhile. A
 * copy of a consumed one counts as consumed, or the recipient would be bounced and get the mail too.
 */
export function remainingTargets(
  rcptTo: readonly HarakaAddress[],
  { consumed, others }: Record<'consumed' | 'others', readonly HarakaAddress[]>,
): HarakaAddress[] {
  const known = new Set([...consumed, ...others])
  const gone = new Set(consumed)
  const kept = new Set(others.map(({ address }) => address))
  const goneAddresses = new Set(consumed.map(({ address }) => address).filter(address => !kept.has(address)))
  return rcptTo.filter(
    target => !gone.has(target) && (known.has(target) || !goneAddresses.has(target.address)),
  )
}

/** Number of RCPT TO that the relay has had an answer to. Undefined: not known. */
export function answeredCommands({ rcpt_count: counts }: HarakaTransaction): number | undefined {
  if (counts === undefined) return undefined
  let sum = 0
  for (const count of Object.values(counts)) sum += count
  return sum
}
