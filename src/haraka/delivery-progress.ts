// The progress of a delivery with the server: Haraka tells its hooks a reply, but not which command it answers. A
// refusal of the greeting concerns Haraka, and one of RCPT a recipient. Haraka gives each line of the session to
// `logprotocol`, whether it logs it or not; that is where the lines are read here. Without them nothing is known, which
// proves nothing.

import type { OutboundMail, OutboundRecipient } from './outbound-mail'

/** Haraka's outbound/hmail.js, `send_command`. It says QUIT before it tells of a refusal. */
const COMMAND = /^C: (?!QUIT)([A-Z]+|\.)(?:$| (?:TO:<(.*)>)?)/i
const REFUSAL = /^S: [45]\d\d /
/** Commands whose answers are about the mail; the dot ends the mail's data. */
const ABOUT_MAIL: ReadonlySet<string> = new Set(['MAIL', 'RCPT', 'DATA', '.'])

interface Progress {
  command: string
  /** The addresses that the server refused in RCPT TO. */
  refused: Set<string>
}

/** By recipient: a recipient that is refused alone gets a delivery of its own, and stays the same object. */
const progressOf = new WeakMap<OutboundRecipient, Progress>()

/** To be called before each try. */
export function followDelivery(mail: OutboundMail): void {
  const progress: Progress = { command: '', refused: new Set() }
  for (const recipient of mail.todo?.rcpt_to ?? []) progressOf.set(recipient, progress)
  const haraka = Object.getPrototypeOf(mail) as Pick<OutboundMail, 'logprotocol' | 'try_deliver'>
  let inRcpt = ''
  // called for each server that is tried
  mail.try_deliver = (...given) => {
    progress.command = ''
    return haraka.try_deliver.apply(mail, given)
  }
  mail.logprotocol = (...data) => {
    const [line] = data
    const [, command, address] = COMMAND.exec(String(line)) ?? []
    if (command !== undefined) {
      progress.command = command.toUpperCase()
      inRcpt = address ?? ''
    } else if (progress.command === 'RCPT' && REFUSAL.test(String(line)))
      progress.refused.add(inRcpt.toLowerCase())
    haraka.logprotocol.apply(mail, data)
  }
}

/** The server refused at MAIL, RCPT, DATA or the end of the data. False: earlier, or it isn't known. */
export function wasAboutMail(recipient: OutboundRecipient): boolean {
  const progress = progressOf.get(recipient)
  return progress !== undefined && (ABOUT_MAIL.has(progress.command) || wasRefusedAtRcpt(recipient))
}

/** By command; with several recipients Haraka may put other refusals of LMTP on the wrong one. */
export function wasRefusedAtRcpt(recipient: OutboundRecipient): boolean {
  return progressOf.get(recipient)?.refused.has(recipient.address.toLowerCase()) ?? false
}
