// Fetches mail from S3. The SDK is loaded here only.

import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { PROXY_MS, proxyHandler } from '../aws-proxy'
import { asError } from '../errors'

export type FetchedMail =
  | { kind: 'mail'; raw: Buffer }
  /** S3 may show an object a while after SES's announcement. */
  | { kind: 'missing' }
  /** It never will be of use. */
  | { kind: 'unusable'; why: string }

export interface StoredMail {
  fetch(bucket: string, key: string): Promise<FetchedMail>
  close(): void
}

/** SES accepts 40 MB; hops add lines. */
const MOST_BYTES = 46_000_000
/** Amazon S3 Encryption Client: an object that only it can decrypt. */
const ENCRYPTED = ['x-amz-key-v2', 'x-amz-key', 'x-amz-matdesc'] as const

export async function openStoredMail(config: S3ClientConfig = {}): Promise<StoredMail> {
  const s3 = await import('@aws-sdk/client-s3')
  const client = new s3.S3Client({ followRegionRedirects: true, ...proxyHandler(PROXY_MS), ...config })
  return {
    async fetch(Bucket, Key) {
      try {
        const {
          Body,
          Metadata = {},
          ContentLength = 0,
        } = await client.send(new s3.GetObjectCommand({ Bucket, Key }))
        const encrypted = ENCRYPTED.find(name => Metadata[name] !== undefined)
        if (encrypted !== undefined)
          return {
            kind: 'unusable',
            why: `the object is encrypted by the S3 client (${encrypted}); use SSE in its place`,
          }
        if (ContentLength > MOST_BYTES)
          return { kind: 'unusable', why: `the object has ${ContentLength} bytes, more than a mail of SES` }
        if (Body === undefined) return { kind: 'missing' }
        return { kind: 'mail', raw: Buffer.from(await Body.transformToByteArray()) }
      } catch (error) {
        if (asError(error).name === 'NoSuchKey') return { kind: 'missing' }
        throw error
      }
    },
    close: () => client.destroy(),
  }
}
