// The results of `check --online` as plain data: the value of "online" in its JSON. The lines are made from it.
// Every request has one of four results, with a message for the administrator.

/** `unestablished`: AWS gave no answer, or one that decides nothing. */
export type Ending = 'fine' | 'warning' | 'error' | 'unestablished'

export interface OnlineAnswer {
  result: Ending
  message: string
  /** The IAM action that the request needs. */
  action?: string
}

export interface Online {
  /** The owner of the credentials. Undefined: nothing was asked. An error: nothing else was asked. */
  identity?: Identity
  /** Regions of [ses] regions in their order, then others of the queue, by name. */
  regions: RegionAnswers[]
  /** Answers that concern no single region. */
  notes: OnlineAnswer[]
}

export interface Identity extends OnlineAnswer {
  account?: string
  arn?: string
}

export interface RegionAnswers {
  /** The name of the lane: with an account before it where accounts are configured. */
  region: string
  /** The name of the account. */
  account?: string
  /** Whether its role can be assumed. An error: nothing else was asked. */
  role?: OnlineAnswer
  /** In [ses] regions; in the queue; or the SDK's own, where neither names one. */
  from: 'configured' | 'seen' | 'default'
  senders: SenderAnswer[]
  sendBounce?: PermissionAnswer
  /** Production access, daily quota, and paused sending; of accounts only. */
  quota?: OnlineAnswer[]
}

/** Whether SES accepts this address as the sender of a bounce. */
export interface SenderAnswer extends OnlineAnswer {
  sender: string
  /** The verified identity that covers it. */
  identity?: string
}

/** Whether SendBounce is permitted. */
export interface PermissionAnswer extends OnlineAnswer {
  /** The one that was tried. */
  sender?: string
  /** The resource that the permission is missing for, if AWS names it. */
  resource?: string
}

export function allAnswers({ identity, regions, notes }: Online): OnlineAnswer[] {
  return [...(identity ? [identity] : []), ...notes, ...regions.flatMap(answersOf)]
}

export function answersOf({ role, senders, sendBounce, quota = [] }: RegionAnswers): OnlineAnswer[] {
  return [...(role ? [role] : []), ...senders, ...(sendBounce ? [sendBounce] : []), ...quota]
}

/** Makes an error of each answer that isn't certain. */
export function strictly({ identity, regions, notes }: Online): Online {
  const strict = <A extends OnlineAnswer>(answered: A): A => ({
    ...answered,
    result: answered.result === 'fine' ? 'fine' : 'error',
  })
  return {
    ...(identity && { identity: strict(identity) }),
    regions: regions.map(answers => ({
      ...answers,
      ...(answers.role && { role: strict(answers.role) }),
      senders: answers.senders.map(strict),
      ...(answers.sendBounce && { sendBounce: strict(answers.sendBounce) }),
      ...(answers.quota && { quota: answers.quota.map(strict) }),
    })),
    notes: notes.map(strict),
  }
}
