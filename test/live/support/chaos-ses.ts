// The SES emulator in a process of its own: what it sees, and when, doesn't wait for what a test does meanwhile.
// Ends with its parent. A call is told to the parent before it is answered.

import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import type { Call, Outcome } from '../../../src/ses-emulator/call'
import type { Fault } from '../../../src/ses-emulator/faults'
import { startSesEmulator } from '../../../src/ses-emulator/server'
import { atEnd } from './cleanup'

/** A call that arrived. */
export interface SeenCall {
  number: number
  region: string
  sesId: string
  recipients: string[]
  /** Monotonic milliseconds at which it was read, and how much earlier it may have come: the process may not have run. */
  atMs: number
  lagMs: number
  /** Milliseconds since the epoch. */
  wallMs: number
  outcome: Outcome
}

export interface ChaosSesOptions {
  intervalMs: number
  latencyMs: number
  /** Each call takes the next one; null: none. */
  faults: readonly (Fault | null)[]
}

export interface ChaosSes {
  url: string
  readonly calls: readonly SeenCall[]
  /** Called for each call that arrives, until the answer is called. */
  onCall(listener: (call: SeenCall) => void): () => void
  close(): Promise<void>
}

type Told = { url: string } | { call: SeenCall }

export async function startChaosSes(options: ChaosSesOptions): Promise<ChaosSes> {
  const child = fork(__filename, [JSON.stringify(options)], {
    execArgv: ['--require', 'tsx/cjs'],
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const forget = atEnd(() => void child.kill('SIGKILL'))
  const calls: SeenCall[] = []
  const listeners = new Set<(call: SeenCall) => void>()
  const url = await new Promise<string>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => reject(new Error(`the emulator ended with ${code}`)))
    child.on('message', (told: Told) => {
      if ('url' in told) {
        resolve(told.url)
        return
      }
      calls.push(told.call)
      for (const listener of listeners) listener(told.call)
    })
  })
  return {
    url,
    calls,
    onCall(listener) {
      listeners.add(listener)
      return () => void listeners.delete(listener)
    },
    close: () => end(child).finally(forget),
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.disconnect()
  await ended
}

/** How often the process looks whether it runs. */
const TICK_MS = 2

async function serve(options: ChaosSesOptions): Promise<void> {
  // what is read now came after the tick before the last: between the two the process has looked for it in vain
  let ticks: [beforeMs: number, lastMs: number] = [monoMs(), monoMs()]
  setInterval(() => {
    ticks = [ticks[1], monoMs()]
  }, TICK_MS)
  const ses = await startSesEmulator({
    ...options,
    messages: 'any',
    faults: options.faults.map(fault => fault ?? undefined),
    onCall: call => tell({ call: seen(call, Math.max(0, call.atMs - ticks[0])) }),
  })
  process.once('disconnect', () => process.exit(0))
  tell({ url: ses.url })
}

function seen({ number, region = '', params, input, atMs, outcome }: Call, lagMs: number): SeenCall {
  return {
    number,
    region,
    sesId: params['OriginalMessageId'] ?? '',
    recipients: (input?.BouncedRecipientInfoList ?? []).map(({ Recipient = '' }) => Recipient),
    atMs,
    lagMs,
    wallMs: Date.now(),
    outcome,
  }
}

function tell(told: Told): void {
  process.send?.(told, undefined, undefined, () => undefined)
}

function monoMs(): number {
  return Number(process.hrtime.bigint()) / 1e6
}

if (require.main === module) void serve(JSON.parse(process.argv[2] ?? '{}') as ChaosSesOptions)
