// The hosts that share a queue, by their own notes. A queue of one host has no such register.

import type { HostStats } from './stats'
import type { Eventually } from './store'

/** The note of a host about itself. */
export interface HostNote {
  /** The id of this process: a new one for each start. */
  id: string
  name: string
  /** The version of this package. */
  version: string
  /** The digest of its configuration files. */
  config: string
  /** Time since its start. */
  upMs: number
}

export interface SeenHosts {
  /** By name; those that were seen within a day. */
  hosts: HostStats[]
  /** The name of the one whose dispatcher leads. */
  leader?: string
  /** The time by which this host's clock is ahead of the queue's. */
  skewMs: number
}

/** Every method may reject with QueueError. */
export interface HostRegister {
  seen(note: HostNote): Eventually<SeenHosts>
  /** The host ends in good order. */
  gone(id: string): Eventually<void>
  /** For the leader's host, now and then: deletes the rows of hosts and versions that are gone. */
  tidy(version: string): Eventually<void>
  close(): Eventually<void>
}
