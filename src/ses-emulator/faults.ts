// Faults between a client and SES, injected on demand to test the client.
// A plan is the caller's code: its exceptions are not caught.

/** Whether SES does its work before the fault. `carried-out`: the bounce is sent, if the call is valid. */
interface After {
  /** Default 'not'. */
  after?: 'carried-out' | 'not'
}

export type Fault =
  | { kind: 'throttle' }
  /** IAM forbids the call: AccessDenied, which names the action. */
  | { kind: 'denied' }
  | { kind: 'error'; status: number; code: string; message: string }
  /** An answer of a proxy or load balancer. HTML if the body begins with `<`. */
  | ({ kind: 'status'; status: number; body: string } & After)
  /** The connection is reset (RST) instead of an answer. */
  | ({ kind: 'reset' } & After)
  /** There is never an answer; the connection stays open. */
  | ({ kind: 'silence' } & After)
  /** 200 with HTML instead of XML. */
  | ({ kind: 'garbage' } & After)
  /** 200 without a body. */
  | ({ kind: 'empty' } & After)

/** The facts of a call when its fault is chosen. */
export interface FaultSubject {
  /** 1 for the first call of the server. */
  number: number
  region?: string
  /** The number of the account whose role makes it. Undefined: it has the emulator's own credentials. */
  account?: string
  action?: string
  params: Readonly<Record<string, string>>
}

/**
 * An array: each call uses up one entry (undefined: no fault), and further calls have no fault.
 * A function: called for each call.
 */
export type FaultPlan = readonly (Fault | undefined)[] | ((subject: FaultSubject) => Fault | undefined)

export class Faults {
  #queue: (Fault | undefined)[] = []
  #choose: ((subject: FaultSubject) => Fault | undefined) | undefined

  constructor(plan: FaultPlan) {
    this.set(plan)
  }

  /** Replaces the rest of the plan before. */
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
