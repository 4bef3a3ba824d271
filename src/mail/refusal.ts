// A refusal of a mail or of one recipient by another plugin of Haraka, or by a server behind it. Plain data.

/** `rcpt`: the hooks rcpt and rcpt_ok; `data`: data and data_post; `delivery`: Haraka's outbound delivery. */
export const REFUSAL_STAGES = ['mail', 'rcpt', 'data', 'queue', 'delivery'] as const
export type RefusalStage = (typeof REFUSAL_STAGES)[number]

export interface Refusal {
  /** The plugin as Haraka names it; `nobody`: no plugin accepted the recipient; `outbound`: Haraka's delivery. */
  by: string
  stage: RefusalStage
  /** The SMTP reply code as the relay would read it, or as the server behind Haraka gave it. */
  code: number
  /** RFC 3463 status, such as `5.1.1`, of the same class as the code. */
  status: string
  /** The words of the reply without code and status: printable ASCII, at most 256 characters. */
  reply: string
  /** The plugin has noted an error, so it may be a fault: a rule must name the plugin. */
  hasError?: true
}
