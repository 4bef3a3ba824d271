// Checks the needs of the stores of jobs and mail besides their settings: certificates, and packages of the AWS SDK.
// Never throws.

import { X509Certificate } from 'node:crypto'
import type { Diagnostic } from '../config/diagnostics'
import type { Settings } from '../config/settings'
import type { Sources } from '../config/sources'
import { quoted } from '../config/value-parsers'
import { errorMessage } from '../errors'
import { missingPackages } from '../quarantine/s3-objects'

const SIGNER = '@aws-sdk/rds-signer'

export function storeDiagnostics(
  { queue, quarantine }: Settings,
  { file, lineOf }: { file: string; lineOf: (section: string, key: string) => number | undefined },
  sources: Sources,
): Diagnostic[] {
  const error = (section: string, key: string, message: string): Diagnostic => ({
    severity: 'error',
    file,
    line: lineOf(section, key) ?? 0,
    section,
    message,
  })
  const found: Diagnostic[] = []
  if (queue.store === 'postgres') {
    const fault = queue.ca === undefined ? undefined : certificateFault(queue.ca, sources)
    if (fault !== undefined) found.push(error('queue', 'ca', fault))
    if (queue.password === 'aws-iam' && !isInstalled(SIGNER))
      found.push(error('queue', 'password', `password = aws-iam needs a package: npm install ${SIGNER}`))
  }
  const packages = quarantine.store === 'folder' ? undefined : missingPackages()
  if (packages !== undefined)
    found.push(error('quarantine', 'store', packages.replace(/^\[quarantine\] /, '')))
  return found
}

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

function certificateFault(name: string, sources: Sources): string | undefined {
  const text = sources.read(name)
  if (text === undefined) return `ca: there is no file ${quoted(name)} in Haraka's config directory`
  const certificates = text.match(CERTIFICATE) ?? []
  try {
    const read = certificates.map(certificate => new X509Certificate(certificate))
    return read.length > 0 ? undefined : `ca: ${quoted(name)} holds no certificate in PEM`
  } catch (error) {
    return `ca: a certificate in ${quoted(name)} can't be read: ${errorMessage(error)}`
  }
}

function isInstalled(name: string): boolean {
  try {
    require.resolve(name)
    return true
  } catch {
    return false
  }
}
