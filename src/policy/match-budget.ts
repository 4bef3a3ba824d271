// What matching may cost one mail: it pauses for others, and comes to an end. Long searches are done elsewhere.
// Over the budget everything that waits for an answer rejects, so that the mail is refused for now.

/** Now, where it is known at once; else later. */
export type Answer = boolean | Promise<boolean>

/** Numbers of the expressions that are found. */
export type Found = readonly number[]

export interface MatchBudgetOptions {
  /** Looks for several expressions in one pass, away from the mail server, and gives up after a time. */
  search: (
    sources: readonly string[],
    text: string,
    timeoutMs: number,
  ) => Promise<{ found: Found; tookMs: number }>
  budgetMs?: number
  /** Milliseconds of a clock that is never set. */
  now?: () => number
}

/** Beyond it a mail is refused for now: no policy that people write takes a hundredth of it. */
export const BUDGET_MS = 2000
/** So long others wait at the most, and for one pattern more, which may take some 30 ms. */
const SLICE_MS = 10

export class MatchBudgetError extends Error {
  constructor(budgetMs: number) {
    super(`matching it with the rules takes longer than ${budgetMs / 1000} s`)
    this.name = 'MatchBudgetError'
  }
}

/** Rules in mode observe have a budget of their own: what they cost changes nothing for the others. */
type Account = 'enforce' | 'observe'

/** One for each mail. */
export class MatchBudget {
  readonly #search: MatchBudgetOptions['search']
  readonly #budgetMs: number
  readonly #now: () => number
  readonly #spentMs: Record<Account, number> = { enforce: 0, observe: 0 }
  #account: Account = 'enforce'
  /** When others ran last. */
  #sliceStart: number
  /** Up to when time is accounted for. */
  #mark: number

  constructor({ search, budgetMs = BUDGET_MS, now = () => performance.now() }: MatchBudgetOptions) {
    this.#search = search
    this.#budgetMs = budgetMs
    this.#now = now
    this.#sliceStart = now()
    this.#mark = this.#sliceStart
  }

  /** For whom the time goes from now on. */
  charge(account: Account): void {
    if (account === this.#account) return
    this.#settle()
    this.#account = account
  }

  /** It is time to let others run. */
  isDue(): boolean {
    return this.#now() - this.#sliceStart > SLICE_MS
  }

  /** Lets others run. @throws MatchBudgetError */
  pause(): Promise<void> {
    return this.without(() => new Promise(resolve => setImmediate(resolve)))
  }

  /** Waits for something that isn't matching, and doesn't count. @throws MatchBudgetError */
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

/** As much as of an effort as matching needs. */
export type YieldPolicy = Pick<MatchBudget, 'isDue' | 'pause' | 'search'>

/** A look that is cheap for ordinary mail takes some 100 us. */
const GLANCE_MS = 25
/** To ask the clock costs as much as a glob. */
const ASKED_BETWEEN = 4

/** As SYNC_ONLY, and gives up after a time: what has no answer by then never has one. */
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

/** For who takes an answer that isn't there at once for a maybe. */
export const SYNC_ONLY: YieldPolicy = {
  isDue: () => false,
  pause: () => Promise.resolve(),
  search: () => Promise.resolve([]),
}

/** Whether it holds for one of them: like `some`, for answers that may take time. */
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

/** Goes on with the answer when it is there. */
export function whenKnown<T>(answer: Answer, next: (held: boolean) => T | Promise<T>): T | Promise<T> {
  return typeof answer === 'boolean' ? next(answer) : answer.then(next)
}
