// Faults between a client and SES, on demand, to test a client.
// A plan is the caller's code: its exceptions are not caught.

/** Whether SES does its work before the fault: `carried-out`: the bounce goes out, if the call is right. */
interface After {
  /** 'not' where it isn't given. */
  after?: 'carried-out' | 'not'
}

export type Fault =
  | { kind: 'throttle' }
  /** IAM doesn't allow it: AccessDenied, which names the action. */
  | { kind: 'denied' }
  | { kind: 'error'; status: number; code: string; message: string }
  /** An answer that isn't of SES: a proxy's or a load balancer's. HTML where the body starts with `<`. */
  | ({ kind: 'status'; status: number; body: string } & After)
  /** The connection is reset (RST) in place of an answer. */
  | ({ kind: 'reset' } & After)
  /** No answer, ever; the connection stays open. */
  | ({ kind: 'silence' } & After)
  /** 200 with HTML. */
  | ({ kind: 'garbage' } & After)
  /** 200 without a body. */
  | ({ kind: 'empty' } & After)

/** What is known of a call when its fault is chosen. */
export interface FaultSubject {
  /** 1 for the first call of the server. */
  number: number
  region?: string
  action?: string
  params: Readonly<Record<string, string>>
}

/**
 * A queue: each call takes the next entry (undefined: no fault for this one), none when it is empty.
 * A function: asked for each call.
 */
export type FaultPlan = readonly (Fault | undefined)[] | ((subject: FaultSubject) => Fault | undefined)

export class Faults {
  #queue: (Fault | undefined)[] = []
  #choose: ((subject: FaultSubject) => Fault | undefined) | undefined

  constructor(plan: FaultPlan) {
    this.set(plan)
  }

  /** In place of what is left of the plan before. */
  set(plan: FaultPlan): void {
    this.#queue = typeof plan === 'function' ? [] : [...plan]
    this.#choose = typeof plan === 'function' ? plan : undefined
  }

  next(subject: FaultSubject): Fault | undefined {
    return this.#choose ? this.#choose(subject) : this.#queue.shift()
  }
}

export function isCarriedOut(fault: Fault): boolean {
  return 'after' in fault && fault.after === 'carried-out'
}
