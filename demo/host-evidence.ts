// The proof that several hosts kept one pace and bounced each mail once: SES's own record of the calls.

import type { Call } from '../src/ses-emulator/call'

/** SES API: SendBounce accepts one call a second. */
const LEAST_GAP_MS = 1000

export function callEvidence(
  calls: readonly Pick<Call, 'atMs' | 'params'>[],
  mails: number,
): { isOk: boolean; text: string } {
  const ids = new Set(calls.map(({ params }) => params['OriginalMessageId']))
  const gaps = calls.slice(1).map(({ atMs }, index) => atMs - (calls[index]?.atMs ?? 0))
  const least = Math.min(...gaps)
  const isOk = calls.length === mails && ids.size === mails && least >= LEAST_GAP_MS
  const text = `${mails} mails, ${calls.length} calls to SES for ${ids.size} of them; the least time between two calls: ${Math.floor(least)} ms`
  return { isOk, text }
}
