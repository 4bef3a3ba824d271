// The outcome of a message once Haraka has answered, recipient by recipient. Pure.

/** An SMTP reply. Code 0: there was none, as the connection failed. */
export interface RecipientReply {
  recipient: string
  code: number
  text: string
}

export interface Outcome {
  /** Recipients that Haraka accepted. */
  accepted: readonly string[]
  /** 4xx, or no reply: they are tried again. */
  deferred: readonly RecipientReply[]
  /** 5xx: they go to the dead-letter queue. */
  refused: readonly RecipientReply[]
}

/** RFC 5321 section 4.2.1: 2yz accepts, 5yz refuses for good; all else may pass. */
export function outcomeOf(replies: readonly RecipientReply[]): Outcome {
  const isRefused = ({ code }: RecipientReply) => code >= 500 && code <= 599
  const isAccepted = ({ code }: RecipientReply) => code >= 200 && code <= 299
  return {
    accepted: replies.filter(isAccepted).map(({ recipient }) => recipient),
    refused: replies.filter(isRefused),
    deferred: replies.filter(reply => !isAccepted(reply) && !isRefused(reply)),
  }
}

const FIRST_PAUSE_S = 15
/** With it some 90 tries fall within the 24 hours in which SES accepts a bounce. */
const LONGEST_PAUSE_S = 900

/** Before the next try. `receives`: how many times the message was received, 1 for the first. */
export function pauseSeconds(receives: number): number {
  return Math.min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** Math.min(10, Math.max(0, receives - 1)))
}
