// Reads the configuration of a Haraka directory to explain mails with, checked as at boot.
// If it has errors, its diagnostics are returned, in the form of `check`.

import type { ActiveConfig } from '../../app/active-config'
import { createSources } from '../../config/sources'
import type { Result } from '../../errors'
import { configOf, look } from '../check'
import { isError, jsonReport, report } from '../check-report'
import { CONNECTION_FILE, type WireLimits, wireLimits } from './wire'

export interface ConfigContext {
  activeConfig: ActiveConfig
  limits: WireLimits
}

/** No decision depends on a token or a password that only Haraka's or the relay's environment has. */
const UNNEEDED = ['http', 'relay.sqs'] as const

/** A fault: lines for people, or one object of JSON. */
export function readConfigContext(
  dir: string,
  env: NodeJS.ProcessEnv,
  json: boolean,
): Result<ConfigContext, string[]> {
  const sources = createSources(configOf(dir))
  const { value, diagnostics } = look(sources, env, { unneeded: UNNEEDED })
  if (diagnostics.some(isError))
    return { fault: json ? [jsonReport(diagnostics)] : report(diagnostics, value, sources) }
  return { value: { activeConfig: value, limits: wireLimits(sources.read(CONNECTION_FILE) ?? '') } }
}
