// The line in the log at boot: the mode, relays, rules, accounts, queue and target of bounces. Pure.

import { shortened } from '../config/escape'
import { type QueuePlace, targetText } from '../queue/target'
import { packageVersion } from '../version'
import type { ActiveConfig } from './active-config'
import { verdictSettings } from './verdict-settings'

/** A longer list is cut. */
const SHOWN_CHARACTERS = 200

/**
 * `outlived`: the time since which the configuration has been in force, if the files have errors.
 * `0.1.0: mode = enforce; relays 192.0.2.10; 3 rules; accounts one, two; queue in FILE; bounces go to SES`
 */
export function bootLine(
  { settings, policy }: Pick<ActiveConfig, 'settings' | 'policy'>,
  place: QueuePlace,
  outlived?: string,
): string {
  const { main, relay, accounts } = settings
  const users = relay.authUsers.map(user => `login ${user}`)
  const relays = shortened([...relay.trusted, ...users].join(', '), SHOWN_CHARACTERS)
  const names = shortened(accounts.map(({ name }) => name).join(', '), SHOWN_CHARACTERS)
  return [
    `haraka-plugin-ses-bounce ${packageVersion()}: mode = ${main.mode}`,
    `relays ${relays === '' ? 'none' : relays}`,
    rulesText(policy),
    names === '' ? 'no [account] sections' : `accounts ${names}`,
    `queue in ${placeText(place)}`,
    `bounces go to ${endpointText(settings)}`,
    ...(outlived === undefined
      ? []
      : [`the files have errors: this is the last good configuration, of ${outlived}`]),
  ].join('; ')
}

function rulesText({ rules }: ActiveConfig['policy']): string {
  const observing = rules.filter(({ mode }) => mode === 'observe').length
  const all = `${rules.length} ${rules.length === 1 ? 'rule' : 'rules'}`
  return observing === 0 ? all : `${all}, ${observing} with mode = observe`
}

function placeText(place: QueuePlace): string {
  if (place.store === 'sqlite') return targetText(place)
  const { schema, hostName } = place
  return `PostgreSQL ${targetText(place)}, schema ${schema}, as host ${hostName}`
}

function endpointText(settings: ActiveConfig['settings']): string {
  const { endpoint } = settings.ses
  switch (verdictSettings(settings).endpoint) {
    case 'emulator':
      return 'the local emulator, not to SES'
    case 'other':
      return `${endpoint} on this machine, not to SES`
    case 'aws':
      return endpoint === '' ? 'SES' : endpoint
  }
}
