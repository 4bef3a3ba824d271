// Haraka with the plugin and a strict SES emulator: what the live tests of the product share.

import path from 'node:path'
import type { Job, JobState } from '../../../src/queue/job'
import { openQueueReader } from '../../../src/queue/sqlite/open'
import type { Call } from '../../../src/ses-emulator/call'
import { type SesEmulator, type SesEmulatorOptions } from '../../../src/ses-emulator/options'
import { startSesEmulator } from '../../../src/ses-emulator/server'
import { type HarakaOptions, type RunningHaraka, startHaraka } from './haraka'
import { type SesMail, type SesMailOptions, sesMail } from './mail'
import { noteLag } from './pace'
import { type MailResult, sendMail } from './smtp'
import { PATIENCE_MS, until } from './wait'

/** Sections and keys of ses-bounce.ini. */
export type Ini = Record<string, Record<string, string>>

export interface ProductOptions {
  ini?: Ini
  /** Text of ses-bounce-rules.ini. */
  rules?: string
  ses?: SesEmulatorOptions
  /** An emulator that is shared; else one is started. */
  localSes?: SesEmulator
  haraka?: Partial<HarakaOptions>
}

export interface Product {
  haraka: RunningHaraka
  ses: SesEmulator
  queueFile: string
  /** Sends a mail from the trusted relay, as SES would have it. */
  deliver(
    options?: SesMailOptions & { to?: string[]; from?: string },
  ): Promise<MailResult & { mail: SesMail }>
  jobs(filter?: { sesId?: string; state?: JobState }): Job[]
  /** Until that many calls have arrived at SES. */
  calls(count: number, timeoutMs?: number): Promise<readonly Call[]>
  stop(): Promise<void>
}

/** Bounces everyone at bounce.yours.example; everything else by the rules of the test. */
export const BOUNCE_ALL = '[unknown-mailbox]\nrecipient = *@*\naction = bounce\nbounce.type = DoesNotExist\n'

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const onCall = (call: Call) => {
    noteLag(call)
    options.ses?.onCall?.(call)
  }
  const ses = options.localSes ?? (await startSesEmulator({ messages: 'any', ...options.ses, onCall }))
  const { haraka: more = {} } = options
  const haraka = await startOrClose(ses, options, {
    ...more,
    plugins: more.plugins ?? ['ses-bounce', 'accept_all', 'capture'],
    files: {
      'config/host_list': 'yours.example\n',
      'config/ses-bounce.ini': iniText(options.ini ?? {}, ses.url),
      'config/ses-bounce-rules.ini': options.rules ?? BOUNCE_ALL,
      ...more.files,
    },
  })
  const queueFile = path.join(haraka.dir, 'ses-bounce', 'queue.sqlite')
  return {
    haraka,
    ses,
    queueFile,
    async deliver(mailOptions = {}) {
      const mail = sesMail(mailOptions)
      const recipients = mailOptions.to ?? [mail.recipient ?? 'user@yours.example']
      const result = await sendMail({
        port: haraka.port,
        from: mailOptions.from ?? mail.sender ?? 'sender@origin.example',
        to: recipients,
        data: mail.data,
      })
      return { ...result, mail }
    },
    jobs({ sesId, state } = {}) {
      const reader = openQueueReader(queueFile)
      try {
        return [
          ...reader.jobs({
            ...(sesId !== undefined && { sesId }),
            ...(state !== undefined && { states: [state] }),
          }),
        ]
      } finally {
        reader.close()
      }
    },
    async calls(count, timeoutMs = PATIENCE_MS) {
      await until(() => ses.calls.length >= count, { what: `${count} calls at SES`, timeoutMs })
      return ses.calls
    },
    async stop() {
      await haraka.stop()
      haraka.remove()
      if (!options.localSes) await ses.close()
    },
  }
}

/** An emulator that nobody closes would keep the test run alive. */
async function startOrClose(
  ses: SesEmulator,
  { localSes }: ProductOptions,
  haraka: HarakaOptions,
): Promise<RunningHaraka> {
  try {
    return await startHaraka(haraka)
  } catch (error) {
    if (!localSes) await ses.close()
    throw error
  }
}

export function iniText(ini: Ini, endpoint: string): string {
  // most tests send all their mail from one sender
  const defaults: Ini = {
    relay: { trusted: '127.0.0.1' },
    ses: { endpoint, regions: '' },
    limit: { per_sender: '' },
    // and some let plugins refuse all of it
    refusals: { surge: '' },
  }
  const names = new Set([...Object.keys(defaults), ...Object.keys(ini)])
  return [...names]
    .map(name => {
      const keys = { ...defaults[name], ...ini[name] }
      return `[${name}]\n${Object.entries(keys)
        .map(([key, value]) => `${key} = ${value}\n`)
        .join('')}`
    })
    .join('\n')
}
