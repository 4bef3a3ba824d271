// A server of S3 that others wrote (fauxqs), with an empty bucket, on a free port of loopback.

export interface S3Server {
  url: string
  bucket: string
  /** For the SDK in this process. */
  config: { endpoint: string; region: string; credentials: { accessKeyId: string; secretAccessKey: string } }
  close(): Promise<void>
}

export async function startS3(bucket = 'mail'): Promise<S3Server> {
  const { startFauxqs } = await import('fauxqs')
  const server = await startFauxqs({ port: 0, logger: false })
  server.createBucket(bucket)
  return {
    url: server.address,
    bucket,
    config: {
      endpoint: server.address,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
    },
    close: () => server.stop(),
  }
}
