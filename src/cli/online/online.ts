// What `check --online` found, as plain data: the value of "online" in its JSON, which the lines are made of.
// Every question ends in one of four ways, with a message for whoever has to act.

/** `unestablished`: AWS gave no answer, or none that tells. */
export type Ending = 'fine' | 'warning' | 'error' | 'unestablished'

export interface OnlineAnswer {
  result: Ending
  message: string
  /** The IAM action that the question takes. */
  action?: string
}

export interface Online {
  /** Whose the credentials are. Not there where nothing had to be asked; an error: nothing further was. */
  identity?: Identity
  /** Configured ones first, as they stand in [ses] regions, then others that were seen, by name. */
  regions: RegionAnswers[]
  /** What concerns no single region. */
  notes: OnlineAnswer[]
}

export interface Identity extends OnlineAnswer {
  account?: string
  arn?: string
}

export interface RegionAnswers {
  region: string
  /** In [ses] regions; in the queue; or the SDK's own, where neither names one. */
  from: 'configured' | 'seen' | 'default'
  senders: SenderAnswer[]
  sendBounce: PermissionAnswer
}

/** Whether SES takes this address as the sender of a bounce. */
export interface SenderAnswer extends OnlineAnswer {
  sender: string
  /** The verified identity that covers it. */
  identity?: string
}

/** Whether SendBounce is permitted. */
export interface PermissionAnswer extends OnlineAnswer {
  /** The one that was tried. */
  sender?: string
  /** What the permission is missing for, where AWS names it. */
  resource?: string
}

export function allAnswers({ identity, regions, notes }: Online): OnlineAnswer[] {
  return [
    ...(identity ? [identity] : []),
    ...notes,
    ...regions.flatMap(({ senders, sendBounce }) => [...senders, sendBounce]),
  ]
}

/** With what isn't certain as an error. */
export function strictly({ identity, regions, notes }: Online): Online {
  const strict = <A extends OnlineAnswer>(answered: A): A => ({
    ...answered,
    result: answered.result === 'fine' ? 'fine' : 'error',
  })
  return {
    ...(identity && { identity: strict(identity) }),
    regions: regions.map(answers => ({
      ...answers,
      senders: answers.senders.map(strict),
      sendBounce: strict(answers.sendBounce),
    })),
    notes: notes.map(strict),
  }
}
