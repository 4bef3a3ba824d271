// Opens the store of mail that [quarantine] store names.

import type { MailStorePlace } from '../config/settings'
import type { QueuePlace } from '../queue/target'
import { openFolderStore } from './folder-store'
import type { MailStore } from './mail-store'
import { openS3Store } from './s3-store'

/**
 * Hosts that share a queue need names for their folders that tell them apart. `aheadMs`: how far this host's clock, which
 * dates files, is ahead of the queue's.
 */
export function openMailStore(
  place: MailStorePlace,
  harakaDir: string,
  { store }: Pick<QueuePlace, 'store'>,
  aheadMs?: () => number,
): MailStore {
  if (place !== 'folder') return openS3Store(place)
  return openFolderStore(harakaDir, { isOnOneHost: store === 'sqlite', ...(aheadMs && { aheadMs }) })
}

/** The variable with which Haraka's master tells its children, who may start when the settings are others already. */
const VARIABLE = 'SES_BOUNCE_MAIL'

/** This process's children inherit it. */
export function passOnMailPlace(place: MailStorePlace): void {
  process.env[VARIABLE] = JSON.stringify(place)
}

/** Undefined: this process has no such parent. */
export function inheritedMailPlace(): MailStorePlace | undefined {
  const text = process.env[VARIABLE]
  return text === undefined ? undefined : (JSON.parse(text) as MailStorePlace)
}
