// The person who runs a command, for the audit: the user of this process, and the user who called sudo.
// Asked before root becomes Haraka's user.

import os from 'node:os'
import type { Actor } from '../queue/audit'

/** Only root's sudo is believed: anybody may set a variable. */
export function actorOf(env: NodeJS.ProcessEnv, user = thisUser(), host = os.hostname()): Actor {
  const { SUDO_USER: sudo = '' } = env
  const isRoot = user.uid === 0
  const who = isRoot && sudo !== '' && sudo !== user.name ? `${user.name} (sudo by ${sudo})` : user.name
  return { who, via: 'cli', host }
}

/** In a container the user may have no name. */
function thisUser(): { uid: number; name: string } {
  const uid = process.getuid?.() ?? -1
  try {
    return { uid, name: os.userInfo().username }
  } catch {
    return { uid, name: `uid ${uid}` }
  }
}
