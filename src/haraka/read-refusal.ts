// Reads the parameters of Haraka's hook `deny`: the plugin that refused, its hook, answer and message.
// Never throws: a plugin may give anything as its message. The relay's reply decides, not the answer alone.

import { denysoft, denysoftdisconnect } from 'haraka-constants'
import type { Refusal, RefusalStage } from '../mail/refusal'
import { refusalOf } from '../mail/refusal-text'
import { loadedName } from '../mail/refusing-plugins'

/** The hooks whose refusals can become something else, with their stages. */
export const STAGE_OF_HOOK = {
  mail: 'mail',
  rcpt: 'rcpt',
  rcpt_ok: 'rcpt',
  data: 'data',
  data_post: 'data',
  queue: 'queue',
  queue_outbound: 'queue',
} as const satisfies Record<string, RefusalStage>

export type RefusingHook = keyof typeof STAGE_OF_HOOK

export function isRefusingHook(hook: string): hook is RefusingHook {
  return Object.hasOwn(STAGE_OF_HOOK, hook)
}

export interface HarakaRefusal {
  /** The name under which Haraka loads it; `nobody` where no plugin accepted the recipient. */
  plugin: string
  hook: RefusingHook
  /** DENY, DENYSOFT, DENYDISCONNECT or DENYSOFTDISCONNECT. */
  retval: number
  /** Text, lines, a DSN object, or nothing: as the plugin gave it. */
  message: unknown
}

/** `isTemporary`: the relay comes again, so there is nothing to bounce. */
export function readRefusal({ plugin, hook, retval, message }: HarakaRefusal): {
  refusal: Refusal
  isTemporary: boolean
} {
  const isSoft = retval === denysoft || retval === denysoftdisconnect
  const { code, status, text } = readMessage(message)
  const refusal = refusalOf({
    by: loadedName(plugin),
    stage: STAGE_OF_HOOK[hook],
    code: code ?? codeOf(hook, isSoft),
    status,
    text,
  })
  return { refusal, isTemporary: refusal.code < 500 && refusal.code >= 400 }
}

/** Haraka's connection.js, data_respond and the other *_respond. */
function codeOf(hook: RefusingHook, isSoft: boolean): number {
  if (hook === 'data') return isSoft ? 451 : 554
  return isSoft ? 450 : 550
}

interface Message {
  /** A DSN's, which goes out instead of that of the answer. */
  code?: number | undefined
  status?: string | undefined
  text: string | readonly string[]
}

function readMessage(message: unknown): Message {
  try {
    // as in Haraka's connection.js, `respond`: nothing at all is replaced by words of its own
    if (!message) return { text: '' }
    if (Array.isArray(message)) return { text: message.map(textOf) }
    if (isDsn(message)) return ofDsn(message)
    return { text: textOf(message) }
  } catch {
    return { text: '' }
  }
}

/** haraka-dsn's class, whichever copy of the package a plugin uses. */
interface Dsn {
  code: unknown
  reply: unknown
  cls: unknown
  sub: unknown
  det: unknown
}

function isDsn(message: unknown): message is Dsn {
  return typeof message === 'object' && message?.constructor?.name === 'DSN'
}

function ofDsn({ code, reply, cls, sub, det }: Dsn): Message {
  const number = Number(/^[245]\d\d$/.exec(String(code))?.[0])
  return {
    ...(Number.isNaN(number) ? {} : { code: number }),
    status: [cls, sub, det].map(textOf).join('.'),
    // a status that says nothing stands before the words: one within them counts then
    text: (Array.isArray(reply) ? reply.map(textOf) : textOf(reply).split('\n')).map(line =>
      line.replace(/^[245]\.0\.0 /, ''),
    ),
  }
}

function textOf(value: unknown): string {
  try {
    return typeof value === 'string' ? value : String(value)
  } catch {
    return ''
  }
}
