// The objects of a bucket of S3 below a prefix: the calls that the store of mail makes. The SDK is loaded at the first
// call. Every call ends in time, also where S3 accepts a connection and never answers.

import { PassThrough, Readable, type Writable } from 'node:stream'
import type { S3ClientConfig } from '@aws-sdk/client-s3'
import { proxyHandler } from '../aws-proxy'
import { silenceNodeVersionWarning } from '../aws-sdk'
import { asError } from '../errors'
import type { EpochMs } from '../units'

export interface S3Location {
  bucket: string
  /** Without a slash at its ends; may be empty. */
  prefix: string
}

export interface S3Options {
  /** Options for the SDK's client. Credentials, region and endpoint are otherwise those of the SDK's usual chain. */
  config?: S3ClientConfig
  /** The time for one answer of S3, which is asked twice. */
  answerMs?: number
  /** The most objects of one list. */
  keysAtOnce?: number
}

export interface S3Object {
  bytes: number
  atMs: EpochMs
}

/** With a pause and a second try below the 30 s that Haraka gives a plugin. */
const ANSWER_MS = 8000
/** S3 API: ListObjectsV2 returns no more. */
const KEYS_AT_ONCE = 1000
/** S3 API: the least size of a part but the last, and so the most of a mail that is in memory. */
const PART_BYTES = 5 * 1024 * 1024
const PACKAGES = ['@aws-sdk/client-s3', '@aws-sdk/lib-storage'] as const

export class S3Objects {
  readonly url: string
  readonly #bucket: string
  readonly #folder: string
  readonly #options: S3Options
  #sdk: ReturnType<typeof loadSdk> | undefined

  constructor({ bucket, prefix }: S3Location, options: S3Options) {
    this.url = `s3://${bucket}/${prefix}`
    this.#bucket = bucket
    this.#folder = prefix === '' ? '' : `${prefix}/`
    this.#options = options
  }

  urlOf(key: string): string {
    return `s3://${this.#bucket}/${this.#folder}${key}`
  }

  /** Undefined: there is none. */
  async get(key: string): Promise<string | undefined> {
    const { s3, client } = await this.#loaded()
    const found = await unlessMissing(client.send(new s3.GetObjectCommand(this.#at(key))))
    return found?.Body?.transformToString()
  }

  /** Its bytes, or the first ones; fails where there is none. */
  read(key: string, firstBytes?: number): Readable {
    const get = async () => {
      const { s3, client } = await this.#loaded()
      const Range = firstBytes === undefined ? {} : { Range: `bytes=0-${firstBytes - 1}` }
      return client.send(new s3.GetObjectCommand({ ...this.#at(key), ...Range }))
    }
    return Readable.from(
      (async function* () {
        const { Body } = await get()
        if (Body instanceof Readable) yield* Body as AsyncIterable<Uint8Array>
      })(),
    )
  }

  /** Undefined: there is none. */
  async head(key: string): Promise<S3Object | undefined> {
    const { s3, client } = await this.#loaded()
    const found = await unlessMissing(client.send(new s3.HeadObjectCommand(this.#at(key))))
    return found && { bytes: found.ContentLength ?? 0, atMs: found.LastModified?.getTime() ?? 0 }
  }

  async put(key: string, text: string, abortSignal?: AbortSignal): Promise<void> {
    const { s3, client } = await this.#loaded()
    const object = { ...this.#at(key), Body: text, ContentType: 'application/json' }
    await client.send(new s3.PutObjectCommand(object), abortSignal && { abortSignal })
  }

  /** In parts, as the size isn't known before. There is no new object, and no part of one, when it rejects. */
  async upload(key: string, pipe: (to: Writable) => void, late: AbortSignal): Promise<void> {
    const { Upload, client } = await this.#loaded()
    const raw = new PassThrough()
    // the upload hears it; a later one, as the stream is destroyed, means nothing
    raw.on('error', () => undefined)
    const params = { ...this.#at(key), Body: raw, ContentType: 'message/rfc822' }
    const sending = new Upload({ client, params, partSize: PART_BYTES, queueSize: 1 })
    const giveUp = () => {
      raw.destroy(new Error("the mail didn't end in time"))
      void sending.abort().catch(() => undefined)
    }
    late.addEventListener('abort', giveUp)
    try {
      const done = sending.done()
      done.catch(() => undefined)
      pipe(raw)
      await done
    } catch (error) {
      throw raw.errored ?? error
    } finally {
      late.removeEventListener('abort', giveUp)
      raw.destroy()
    }
  }

  async delete(key: string): Promise<void> {
    const { s3, client } = await this.#loaded()
    await client.send(new s3.DeleteObjectCommand(this.#at(key)))
  }

  /** A limited number of objects in the order of their keys. `isEnd`: there are no more. */
  async list(
    after: string | undefined,
  ): Promise<{ objects: (S3Object & { key: string })[]; isEnd: boolean }> {
    const { s3, client } = await this.#loaded()
    const { Contents = [], IsTruncated } = await client.send(
      new s3.ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#folder,
        MaxKeys: this.#options.keysAtOnce ?? KEYS_AT_ONCE,
        ...(after !== undefined && { StartAfter: `${this.#folder}${after}` }),
      }),
    )
    const objects = Contents.map(({ Key = '', Size = 0, LastModified }) => ({
      key: Key.slice(this.#folder.length),
      bytes: Size,
      atMs: LastModified?.getTime() ?? 0,
    }))
    return { objects, isEnd: IsTruncated !== true }
  }

  async close(): Promise<void> {
    const sdk = await this.#sdk?.catch(() => undefined)
    sdk?.client.destroy()
  }

  #at(key: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#folder}${key}` }
  }

  #loaded(): ReturnType<typeof loadSdk> {
    this.#sdk ??= loadSdk(this.#options)
    return this.#sdk
  }
}

/** Undefined: the packages that the store needs are installed. */
export function missingPackages(): string | undefined {
  const missing = PACKAGES.filter(name => !isInstalled(name))
  if (missing.length === 0) return undefined
  return `[quarantine] store = s3://... needs more packages: npm install ${missing.join(' ')}`
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}

async function loadSdk({ config, answerMs = ANSWER_MS }: S3Options) {
  const missing = missingPackages()
  if (missing !== undefined) throw new Error(missing)
  silenceNodeVersionWarning()
  const [s3, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')])
  const client = new s3.S3Client({
    followRegionRedirects: true,
    maxAttempts: 2,
    requestHandler: {
      ...proxyHandler(answerMs).requestHandler,
      connectionTimeout: answerMs,
      requestTimeout: answerMs,
      socketTimeout: answerMs,
      throwOnRequestTimeout: true,
    },
    ...config,
  })
  return { s3, Upload, client }
}

async function unlessMissing<T>(asked: Promise<T>): Promise<T | undefined> {
  try {
    return await asked
  } catch (error) {
    const { name } = asError(error)
    if (name === 'NoSuchKey' || name === 'NotFound') return undefined
    throw error
  }
}
