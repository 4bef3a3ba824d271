// Opens the store of mail that [quarantine] store names.

import type { QueuePlace } from '../queue/target'
import { openFolderStore } from './folder-store'
import type { MailStore } from './mail-store'
import type { S3Location } from './s3-objects'
import { openS3Store } from './s3-store'

export type MailStorePlace = 'folder' | S3Location

/** `queue`: hosts that share a queue need names for their folders that tell them apart. */
export function openMailStore(
  place: MailStorePlace,
  harakaDir: string,
  { store }: Pick<QueuePlace, 'store'>,
): MailStore {
  if (place !== 'folder') return openS3Store(place)
  return openFolderStore(harakaDir, { isOnOneHost: store === 'sqlite' })
}
