// Work that waits only where it must: a caller whose work needed no wait goes on at once, as each promise costs a mail some
// microseconds of the process's time.

export type Eventually<T> = T | Promise<T>

/** Steps that may wait: `const value = yield* wait(eventually)`. */
export type Steps<T> = Generator<Promise<unknown>, T, unknown>

export function* wait<T>(value: Eventually<T>): Steps<T> {
  return value instanceof Promise ? ((yield value) as T) : value
}

/** Runs the steps: at once as far as nothing waits. Throws, or rejects after a wait, as they do. */
export function run<T>(steps: Steps<T>): Eventually<T> {
  const { done, value } = steps.next()
  return done ? value : goOn(steps, value)
}

async function goOn<T>(steps: Steps<T>, first: Promise<unknown>): Promise<T> {
  for (let waiting = first; ; ) {
    const { done, value } = await waiting.then(
      known => steps.next(known),
      (error: unknown) => steps.throw(error),
    )
    if (done) return value
    waiting = value
  }
}
