// An engine whose answers come later, and sometimes not at all, though what was asked for has been done.

import { QueueError } from '../../src/errors'
import type { DispatcherQueue } from '../../src/queue/store'

export type Method = Exclude<keyof DispatcherQueue, 'close'>

export interface Asked {
  method: Method
  /** Calls of this method, this one counted. */
  times: number
}

/** `isLost`: the caller gets a fault that passes. `before`: the engine is asked when it has resolved. */
export function answersLater(
  queue: DispatcherQueue,
  {
    isLost = () => false,
    before = () => undefined,
  }: { isLost?: (asked: Asked) => boolean; before?: (asked: Asked) => unknown },
): DispatcherQueue {
  const counts = new Map<Method, number>()
  return new Proxy(queue, {
    get(target, name: Method) {
      const method: unknown = Reflect.get(target, name, target)
      if (typeof method !== 'function') return method
      // it is no question to the engine
      if (name === 'leaderElsewhere') return () => Reflect.apply(method, target, []) as unknown
      return async (...parameters: unknown[]) => {
        const times = (counts.get(name) ?? 0) + 1
        counts.set(name, times)
        await turn()
        await before({ method: name, times })
        const answer: unknown = await Reflect.apply(method as () => unknown, target, parameters)
        await turn()
        if (isLost({ method: name, times })) throw new QueueError('QUEUE_BUSY', `no answer to ${name}`)
        return answer
      }
    },
  })
}

function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}
