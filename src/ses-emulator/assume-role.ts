// AssumeRole: its fields in the SDK's form, and STS's answer in XML. A fault is returned as a refusal; nothing throws.

import type { AssumeRoleRequest } from '@aws-sdk/client-sts'
import { type Check, FieldReader, type Node } from './fields'
import type { Checked } from './form'
import type { Session } from './sessions'
import { escapeXml, responseXml, STS_NAMESPACE } from './xml'

/** STS API: AssumeRole, DurationSeconds; a role has a longest session of one hour, unless it says otherwise. */
const LEAST_SECONDS = 900
const MOST_SECONDS = 3600

export function readAssumeRole(params: ReadonlyMap<string, string>): Checked<AssumeRoleRequest> {
  const reader = new Reader('AssumeRole')
  const value = reader.request(reader.tree(params))
  return reader.fault === undefined ? { ok: true, value } : { ok: false, refusal: reader.fault }
}

class Reader extends FieldReader {
  /** Policies and tags of a session aren't known here. */
  request(node: Node): AssumeRoleRequest {
    this.only(node, '', ['Action', 'Version', 'RoleArn', 'RoleSessionName', 'ExternalId', 'DurationSeconds'])
    const externalId = this.text(node, '', 'ExternalId', externalIdFault)
    const seconds = this.text(node, '', 'DurationSeconds', secondsFault)
    return {
      RoleArn: this.required(node, '', 'RoleArn', roleFault),
      RoleSessionName: this.required(node, '', 'RoleSessionName', sessionNameFault),
      ...(externalId !== undefined && { ExternalId: externalId }),
      ...(seconds !== undefined && { DurationSeconds: Number(seconds) }),
    }
  }
}

/** The account and the name, with its path, in a role's ARN. */
export function roleParts(arn: string): { account: string; name: string } | undefined {
  const [, account, name] = /^arn:aws[a-z-]{0,20}:iam::(\d{12}):role\/([!-~]{1,575})$/.exec(arn) ?? []
  return account === undefined || name === undefined ? undefined : { account, name }
}

const roleFault: Check = text =>
  roleParts(text) === undefined
    ? 'must be the ARN of a role as arn:aws:iam::123456789012:role/name'
    : undefined

// STS API: AssumeRole
const sessionNameFault: Check = text =>
  /^[\w+=,.@-]{2,64}$/.test(text) ? undefined : 'must be 2 to 64 letters, digits and _+=,.@-'
const externalIdFault: Check = text =>
  /^[\w+=,.@:/-]{2,1224}$/.test(text) ? undefined : 'must be 2 to 1224 letters, digits and _+=,.@:/-'
const secondsFault: Check = text =>
  /^\d{1,6}$/.test(text) && Number(text) >= LEAST_SECONDS && Number(text) <= MOST_SECONDS
    ? undefined
    : `must be ${LEAST_SECONDS} to ${MOST_SECONDS}`

export function assumeRoleXml({ credentials, caller, expiresMs }: Session, requestId: string): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials
  const expiration = `${new Date(expiresMs).toISOString().slice(0, 19)}Z`
  return responseXml(
    'AssumeRole',
    `    <Credentials>\n      <AccessKeyId>${accessKeyId}</AccessKeyId>\n` +
      `      <SecretAccessKey>${secretAccessKey}</SecretAccessKey>\n` +
      `      <SessionToken>${sessionToken}</SessionToken>\n      <Expiration>${expiration}</Expiration>\n` +
      '    </Credentials>\n' +
      `    <AssumedRoleUser>\n      <AssumedRoleId>${escapeXml(caller.userId)}</AssumedRoleId>\n` +
      `      <Arn>${escapeXml(caller.arn)}</Arn>\n    </AssumedRoleUser>\n`,
    requestId,
    STS_NAMESPACE,
  )
}
