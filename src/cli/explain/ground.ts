// What mails are explained by: the configuration of one Haraka directory, checked as at boot.
// One with errors isn't used: its findings come back instead, as `check` shows them.

import type { InForce } from '../../door/in-force'
import { createSources } from '../../settings/sources'
import { configOf, look } from '../check'
import { isError, jsonReport, report } from '../check-report'
import { CONNECTION_FILE, type WireLimits, wireLimits } from './wire'

export interface Ground {
  inForce: InForce
  limits: WireLimits
}

/** `errors`: lines for people, or one object of JSON. */
export function readGround(
  dir: string,
  env: NodeJS.ProcessEnv,
  json: boolean,
): Ground | { errors: string[] } {
  const sources = createSources(configOf(dir))
  const { value, findings } = look(sources, env)
  if (findings.some(isError))
    return { errors: json ? [jsonReport(findings)] : report(findings, value, sources) }
  return { inForce: value, limits: wireLimits(sources.read(CONNECTION_FILE) ?? '') }
}
