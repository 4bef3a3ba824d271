// Asks again where AWS throttles: a running dispatcher shares the pace of SES, and that says nothing of the configuration.

import type { Result } from '../../errors'
import type { Aws } from './aws'
import type { Refused } from './refused'

const TRIES = 3
/** SES accepts one call a second; the dispatcher may have used that second. */
const FIRST_PAUSE_MS = 1100

type Pause = (ms: number) => Promise<unknown>

export function askingAgain(aws: Aws, pause: Pause): Aws {
  const again =
    <A extends unknown[], T>(ask: (...args: A) => Promise<Result<T, Refused>>) =>
    async (...args: A): Promise<Result<T, Refused>> => {
      for (let tried = 1; ; tried++) {
        const said = await ask(...args)
        if ('value' in said || !said.fault.isThrottled) return said
        if (tried === TRIES)
          return { fault: { ...said.fault, reason: `${said.fault.reason} (${TRIES} tries)` } }
        await pause(FIRST_PAUSE_MS * tried)
      }
    }
  return {
    defaultRegion: () => aws.defaultRegion(),
    callerIdentity: again(aws.callerIdentity),
    verification: again(aws.verification),
    sendBounce: again(aws.sendBounce),
    assumeRole: again(aws.assumeRole),
    sendQuota: again(aws.sendQuota),
    sendingEnabled: again(aws.sendingEnabled),
  }
}
