// The actions that the emulator knows, each with its service, its version and the reader of its fields.
// An unknown action and a faulty field are returned as a refusal; nothing throws.

import type { GetIdentityVerificationAttributesRequest, SendBounceRequest } from '@aws-sdk/client-ses'
import type { AssumeRoleRequest } from '@aws-sdk/client-sts'
import { readAssumeRole } from './assume-role'
import { FieldReader } from './fields'
import { type Checked, refusal } from './form'
import { readIdentities } from './identities'
import { readSendBounce } from './send-bounce'

/** The service's name in the scope of a signature. */
export type Service = 'ses' | 'sts'

export type Asked =
  | { action: 'SendBounce'; input: SendBounceRequest }
  | { action: 'GetIdentityVerificationAttributes'; input: GetIdentityVerificationAttributesRequest }
  | { action: 'GetSendQuota' }
  | { action: 'GetAccountSendingEnabled' }
  | { action: 'GetCallerIdentity' }
  | { action: 'AssumeRole'; input: AssumeRoleRequest }

/** SES API and STS API: each service has one version. */
const VERSIONS: Record<Service, string> = { ses: '2010-12-01', sts: '2011-06-15' }

type Read = (params: ReadonlyMap<string, string>) => Checked<Asked>

const ACTIONS: Record<Asked['action'], { service: Service; read: Read }> = {
  SendBounce: {
    service: 'ses',
    read: params => asked(readSendBounce(params), input => ({ action: 'SendBounce', input })),
  },
  GetIdentityVerificationAttributes: {
    service: 'ses',
    read: params =>
      asked(readIdentities(params), input => ({ action: 'GetIdentityVerificationAttributes', input })),
  },
  GetSendQuota: { service: 'ses', read: params => readNothing(params, 'GetSendQuota') },
  GetAccountSendingEnabled: {
    service: 'ses',
    read: params => readNothing(params, 'GetAccountSendingEnabled'),
  },
  GetCallerIdentity: { service: 'sts', read: params => readNothing(params, 'GetCallerIdentity') },
  AssumeRole: {
    service: 'sts',
    read: params => asked(readAssumeRole(params), input => ({ action: 'AssumeRole', input })),
  },
}

/** The service of an action. SES also refuses unknown ones. */
export function serviceOf(action: string | undefined): Service {
  return actionNamed(action)?.service ?? 'ses'
}

export function readAction(params: ReadonlyMap<string, string>): Checked<Asked> {
  const name = params.get('Action')
  if (name === undefined) {
    return { ok: false, refusal: refusal('MissingAction', 'The request must contain the parameter Action.') }
  }
  const action = actionNamed(name)
  if (action === undefined || params.get('Version') !== VERSIONS[action.service]) {
    const message = `Could not find operation ${name} for version ${params.get('Version') ?? 'NO_VERSION_SPECIFIED'}`
    return { ok: false, refusal: refusal('InvalidAction', message) }
  }
  return action.read(params)
}

function actionNamed(name: string | undefined): { service: Service; read: Read } | undefined {
  return Object.entries(ACTIONS).find(([known]) => known === name)?.[1]
}

function asked<T>(read: Checked<T>, make: (input: T) => Asked): Checked<Asked> {
  return read.ok ? { ok: true, value: make(read.value) } : read
}

/** SES API and STS API: these actions have no parameters. */
function readNothing(
  params: ReadonlyMap<string, string>,
  action: 'GetSendQuota' | 'GetAccountSendingEnabled' | 'GetCallerIdentity',
): Checked<Asked> {
  const reader = new FieldReader(action)
  reader.only(reader.tree(params), '', ['Action', 'Version'])
  return reader.fault === undefined ? { ok: true, value: { action } } : { ok: false, refusal: reader.fault }
}
