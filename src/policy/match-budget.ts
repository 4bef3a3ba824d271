// Limits the time for matching one mail, and pauses so that other work can run. Long searches run in a worker thread.
// When the budget is spent every pending answer rejects, so that the mail gets a temporary refusal.

/** A boolean if the answer is known at once, else a promise. */
export type Answer = boolean | Promise<boolean>

/** The numbers of the expressions that match. */
export type Found = readonly number[]

export interface MatchBudgetOptions {
  /** Searches for several expressions in one pass in a worker thread. Rejects after the given time. */
  search: (
    sources: readonly string[],
    text: string,
    timeoutMs: number,
  ) => Promise<{ found: Found; tookMs: number }>
  budgetMs?: number
  /** Milliseconds of a monotonic clock. */
  now?: () => number
}

/** A mail that takes longer gets a temporary refusal. Usual policies take less than a hundredth of it. */
export const BUDGET_MS = 2000
/** Matching pauses after this time. One more pattern may add some 30 ms (AT_ONCE in regex-pass.ts). */
const SLICE_MS = 10

export class MatchBudgetError extends Error {
  constructor(budgetMs: number) {
    super(`matching it with the rules takes longer than ${budgetMs / 1000} s`)
    this.name = 'MatchBudgetError'
  }
}

/** Rules in mode observe have their own budget, so that they can't spend that of the others. */
type Account = 'enforce' | 'observe'

/** One for each mail. */
export class MatchBudget {
  readonly #search: MatchBudgetOptions['search']
  readonly #budgetMs: number
  readonly #now: () => number
  readonly #spentMs: Record<Account, number> = { enforce: 0, observe: 0 }
  #account: Account = 'enforce'
  /** The time when other work ran last. */
  #sliceStart: number
  /** The time up to which an account was charged. */
  #mark: number

  constructor({ search, budgetMs = BUDGET_MS, now = () => performance.now() }: MatchBudgetOptions) {
    this.#search = search
    this.#budgetMs = budgetMs
    this.#now = now
    this.#sliceStart = now()
    this.#mark = this.#sliceStart
  }

  /** Charges the time from now on to this account. */
  charge(account: Account): void {
    if (account === this.#account) return
    this.#settle()
    this.#account = account
  }

  /** True: the caller should `pause`. */
  isDue(): boolean {
    return this.#now() - this.#sliceStart > SLICE_MS
  }

  /** Lets other work run. @throws MatchBudgetError */
  pause(): Promise<void> {
    return this.without(() => new Promise(resolve => setImmediate(resolve)))
  }

  /** Waits for work other than matching, without charging its time. @throws MatchBudgetError */
  async without<T>(work: () => Promise<T>): Promise<T> {
    this.#settle()
    this.#mustHaveRest()
    try {
      return await work()
    } finally {
      this.#sliceStart = this.#now()
      this.#mark = this.#sliceStart
    }
  }

  /** @throws MatchBudgetError */
  async search(sources: readonly string[], text: string): Promise<Found> {
    const { found, tookMs } = await this.without(() =>
      this.#search(sources, text, this.#budgetMs - this.#spentMs[this.#account]),
    )
    this.#spentMs[this.#account] += tookMs
    this.#mustHaveRest()
    return found
  }

  #settle(): void {
    const now = this.#now()
    this.#spentMs[this.#account] += now - this.#mark
    this.#mark = now
  }

  #mustHaveRest(): void {
    if (this.#spentMs[this.#account] > this.#budgetMs) throw new MatchBudgetError(this.#budgetMs)
  }
}

/** The part of a budget that matching needs. */
export type YieldPolicy = Pick<MatchBudget, 'isDue' | 'pause' | 'search'>

/** The time limit of `glance`. Usual mail takes some 100 us. */
const GLANCE_MS = 25
/** Calls of isDue for each reading of the clock, which costs as much as matching a glob. */
const ASKED_BETWEEN = 4

/** SYNC_ONLY with a time limit. */
export function glance(now: () => number = () => performance.now()): YieldPolicy {
  let asked = 0
  let start: number | undefined
  let isOver = false
  return {
    isDue: () => {
      if (isOver || ++asked % ASKED_BETWEEN !== 0) return isOver
      start ??= now()
      isOver = now() - start > GLANCE_MS
      return isOver
    },
    pause: () => new Promise(() => undefined),
    search: SYNC_ONLY.search,
  }
}

/** Never pauses or searches in a thread: for callers that treat a pending answer as "maybe". */
export const SYNC_ONLY: YieldPolicy = {
  isDue: () => false,
  pause: () => Promise.resolve(),
  search: () => Promise.resolve([]),
}

/** Like `some`, for answers that may be pending. */
export function holdsForOne<T>(
  items: readonly T[],
  holds: (item: T) => Answer,
  yieldPolicy: YieldPolicy,
  from = 0,
): Answer {
  for (let at = from; at < items.length; at++) {
    if (yieldPolicy.isDue()) return yieldPolicy.pause().then(() => holdsForOne(items, holds, yieldPolicy, at))
    const answer = holds(items[at] as T)
    if (answer === true) return true
    if (answer !== false) return answer.then(held => held || holdsForOne(items, holds, yieldPolicy, at + 1))
  }
  return false
}

/** Calls `next` with the answer: at once if it is known, else when it is. */
export function whenKnown<T>(answer: Answer, next: (held: boolean) => T | Promise<T>): T | Promise<T> {
  return typeof answer === 'boolean' ? next(answer) : answer.then(next)
}
