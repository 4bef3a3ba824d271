// Asks again where AWS throttles: a running dispatcher shares the pace of SES, and that says nothing of the configuration.

import type { Result } from '../../errors'
import type { Aws } from './aws'
import type { Refused } from './refused'

const TRIES = 3
/** SES accepts one call a second; the dispatcher may have used that second. */
const FIRST_PAUSE_MS = 1100

export function askingAgain(aws: Aws, pause: (ms: number) => Promise<unknown>): Aws {
  async function again<T>(ask: () => Promise<Result<T, Refused>>): Promise<Result<T, Refused>> {
    for (let tried = 1; ; tried++) {
      const said = await ask()
      if ('value' in said || !said.fault.isThrottled) return said
      if (tried === TRIES)
        return { fault: { ...said.fault, reason: `${said.fault.reason} (${TRIES} tries)` } }
      await pause(FIRST_PAUSE_MS * tried)
    }
  }
  return {
    defaultRegion: () => aws.defaultRegion(),
    callerIdentity: region => again(() => aws.callerIdentity(region)),
    verification: (region, identities) => again(() => aws.verification(region, identities)),
    sendBounce: (region, input) => again(() => aws.sendBounce(region, input)),
    assumeRole: (region, account) => again(() => aws.assumeRole(region, account)),
    sendQuota: region => again(() => aws.sendQuota(region)),
    sendingEnabled: region => again(() => aws.sendingEnabled(region)),
  }
}
