// A request's form fields into the input of SendBounce, with every constraint of the API checked.
// A fault comes back as the refusal to answer with, which names the field; nothing throws, all is linear time.

import type {
  BouncedRecipientInfo,
  BounceType,
  DsnAction,
  ExtensionField,
  MessageDsn,
  RecipientDsnFields,
  SendBounceRequest,
} from '@aws-sdk/client-ses'
import { BOUNCE_TYPES } from '../policy/decision'
import { addressFault, arnFault, dateFault, mtaFault, printableFault, statusFault, textFault } from './values'
import type { Refusal } from './xml'

export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: Refusal }

// SES API: SendBounce; the only version there is
const VERSION = '2010-12-01'

// SES API: RecipientDsnFields.Action
const DSN_ACTIONS: readonly DsnAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

// BouncedRecipientInfoList.member.N.RecipientDsnFields.ExtensionFields.member.N.Name
const DEEPEST_NAME = 8

/** The fields of a form-encoded body, each name once. */
export function readForm(body: Buffer): Checked<Map<string, string>> {
  const params = new Map<string, string>()
  const text = body.toString('utf8')
  if (text.trim() === '') return { ok: true, value: params }
  for (const pair of text.split('&')) {
    const equals = pair.indexOf('=')
    const name = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = decode(equals < 0 ? '' : pair.slice(equals + 1))
    if (name === undefined || value === undefined || name === '') {
      return {
        ok: false,
        refusal: refusal('MalformedQueryString', 'The query string contains a syntax error.'),
      }
    }
    if (params.has(name)) {
      const message = `The parameter ${name} occurs more than once.`
      return { ok: false, refusal: refusal('MalformedQueryString', message) }
    }
    params.set(name, value)
  }
  return { ok: true, value: params }
}

export function readSendBounce(params: ReadonlyMap<string, string>): Checked<SendBounceRequest> {
  const action = params.get('Action')
  if (action === undefined) {
    return { ok: false, refusal: refusal('MissingAction', 'The request must contain the parameter Action.') }
  }
  if (action !== 'SendBounce' || params.get('Version') !== VERSION) {
    const message = `Could not find operation ${action} for version ${params.get('Version') ?? 'NO_VERSION_SPECIFIED'}`
    return { ok: false, refusal: refusal('InvalidAction', message) }
  }
  const reader = new Reader()
  const root = reader.tree(params)
  const value = reader.request(root)
  return reader.fault === undefined ? { ok: true, value } : { ok: false, refusal: reader.fault }
}

interface Node {
  value?: string
  children: Map<string, Node>
}

type Check = (text: string) => string | undefined

/** Reads on behind a fault, with harmless values; the first fault is the answer. */
class Reader {
  fault: Refusal | undefined

  tree(params: ReadonlyMap<string, string>): Node {
    const root: Node = { children: new Map() }
    for (const [name, value] of params) {
      const parts = name.split('.')
      if (parts.length > DEEPEST_NAME) this.#unknown(name)
      else branch(root, parts).value = value
    }
    return root
  }

  request(node: Node): SendBounceRequest {
    this.#only(node, '', [
      'Action',
      'Version',
      'OriginalMessageId',
      'BounceSender',
      'Explanation',
      'MessageDsn',
      'BouncedRecipientInfoList',
      'BounceSenderArn',
    ])
    const explanation = this.#text(node, '', 'Explanation', printableFault)
    const dsn = node.children.get('MessageDsn')
    const arn = this.#text(node, '', 'BounceSenderArn', arnFault)
    return {
      OriginalMessageId: this.#required(node, '', 'OriginalMessageId', idFault),
      BounceSender: this.#required(node, '', 'BounceSender', addressFault),
      BouncedRecipientInfoList: this.#recipients(node),
      ...(explanation !== undefined && { Explanation: explanation }),
      ...(dsn && { MessageDsn: this.#messageDsn(dsn, 'MessageDsn') }),
      ...(arn !== undefined && { BounceSenderArn: arn }),
    }
  }

  #recipients(node: Node): BouncedRecipientInfo[] {
    const path = 'BouncedRecipientInfoList'
    const list = node.children.get(path)
    if (list === undefined) this.#missing(path)
    const recipients = list ? this.#members(list, path, (member, at) => this.#recipient(member, at)) : []
    if (recipients.length === 0) this.#invalid(path, 'must have at least one member')
    return recipients
  }

  #recipient(node: Node, path: string): BouncedRecipientInfo {
    this.#only(node, path, ['Recipient', 'RecipientArn', 'BounceType', 'RecipientDsnFields'])
    const arn = this.#text(node, path, 'RecipientArn', arnFault)
    const type = this.#text(node, path, 'BounceType', oneOf(BOUNCE_TYPES))
    const dsn = node.children.get('RecipientDsnFields')
    if (type === undefined && !dsn) this.#invalid(path, 'must have BounceType or RecipientDsnFields')
    return {
      Recipient: this.#required(node, path, 'Recipient', addressFault),
      ...(arn !== undefined && { RecipientArn: arn }),
      ...(type !== undefined && { BounceType: type as BounceType }),
      ...(dsn && { RecipientDsnFields: this.#recipientDsn(dsn, `${path}.RecipientDsnFields`) }),
    }
  }

  #recipientDsn(node: Node, path: string): RecipientDsnFields {
    const names = ['FinalRecipient', 'Action', 'RemoteMta', 'Status', 'DiagnosticCode', 'LastAttemptDate']
    this.#only(node, path, [...names, 'ExtensionFields'])
    const final = this.#text(node, path, 'FinalRecipient', finalRecipientFault)
    const remote = this.#text(node, path, 'RemoteMta', mtaFault)
    const diagnostic = this.#text(node, path, 'DiagnosticCode', printableFault)
    const date = this.#text(node, path, 'LastAttemptDate', dateFault)
    return {
      Action: this.#required(node, path, 'Action', oneOf(DSN_ACTIONS)) as DsnAction,
      Status: this.#required(node, path, 'Status', statusFault),
      ...(final !== undefined && { FinalRecipient: final }),
      ...(remote !== undefined && { RemoteMta: remote }),
      ...(diagnostic !== undefined && { DiagnosticCode: diagnostic }),
      ...(date !== undefined && { LastAttemptDate: new Date(date) }),
      ...this.#extensions(node, path),
    }
  }

  #messageDsn(node: Node, path: string): MessageDsn {
    this.#only(node, path, ['ReportingMta', 'ArrivalDate', 'ExtensionFields'])
    const date = this.#text(node, path, 'ArrivalDate', dateFault)
    return {
      ReportingMta: this.#required(node, path, 'ReportingMta', mtaFault),
      ...(date !== undefined && { ArrivalDate: new Date(date) }),
      ...this.#extensions(node, path),
    }
  }

  #extensions(node: Node, path: string): { ExtensionFields?: ExtensionField[] } {
    const list = node.children.get('ExtensionFields')
    if (!list) return {}
    const read = (member: Node, at: string): ExtensionField => {
      this.#only(member, at, ['Name', 'Value'])
      return {
        Name: this.#required(member, at, 'Name', extensionNameFault),
        Value: this.#required(member, at, 'Value', extensionValueFault),
      }
    }
    return { ExtensionFields: this.#members(list, `${path}.ExtensionFields`, read) }
  }

  /** `PATH.member.1`, `PATH.member.2`, without gaps; `PATH=` is the empty list. */
  #members<T>(list: Node, path: string, read: (member: Node, path: string) => T): T[] {
    if (list.value !== undefined && (list.value !== '' || list.children.size > 0)) {
      this.#invalid(path, 'is a list, not a text')
    }
    for (const name of list.children.keys()) if (name !== 'member') this.#unknown(`${path}.${name}`)
    const members = list.children.get('member')
    if (!members) return []
    if (members.value !== undefined) this.#unknown(`${path}.member`)
    const values: T[] = []
    for (let n = 1; n <= members.children.size; n++) {
      const member = members.children.get(String(n))
      if (!member) {
        this.#invalid(`${path}.member`, `must be numbered from 1 without gaps; ${n} is missing`)
        break
      }
      values.push(read(member, `${path}.member.${n}`))
    }
    return values
  }

  #only(node: Node, path: string, names: readonly string[]): void {
    if (node.value !== undefined) this.#invalid(path, 'is a structure, not a text')
    for (const name of node.children.keys()) if (!names.includes(name)) this.#unknown(join(path, name))
  }

  #text(node: Node, path: string, name: string, check: Check): string | undefined {
    const child = node.children.get(name)
    if (child === undefined) return undefined
    for (const below of child.children.keys()) this.#unknown(join(path, `${name}.${below}`))
    const text = child.value
    if (text === undefined) return undefined
    const fault = textFault(text) ?? check(text)
    if (fault !== undefined) this.#invalid(join(path, name), fault)
    return text
  }

  #required(node: Node, path: string, name: string, check: Check): string {
    const text = this.#text(node, path, name, check)
    if (text === undefined) this.#missing(join(path, name))
    return text ?? ''
  }

  #missing(path: string): void {
    const message = `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`
    this.fault ??= refusal('ValidationError', message)
  }

  #invalid(path: string, fault: string): void {
    this.fault ??= refusal('InvalidParameterValue', `${path} ${fault}.`)
  }

  #unknown(name: string): void {
    this.fault ??= refusal('InvalidParameterValue', `${name} is not a parameter of SendBounce.`)
  }
}

function branch(root: Node, parts: readonly string[]): Node {
  let node = root
  for (const part of parts) {
    let child = node.children.get(part)
    if (!child) node.children.set(part, (child = { children: new Map() }))
    node = child
  }
  return node
}

const oneOf =
  (values: readonly string[]): Check =>
  text =>
    values.includes(text) ? undefined : `must be one of ${values.join(', ')}`

const idFault: Check = text =>
  /^[\x21-\x7e]{1,998}$/.test(text) ? undefined : 'must be the id that SES gave the message'

// SES API: RecipientDsnFields.FinalRecipient
const finalRecipientFault: Check = text =>
  /^\s*rfc822;/i.test(text) ? 'must be without "rfc822;"' : addressFault(text)

// SES API: ExtensionField
const extensionNameFault: Check = text =>
  /^[A-Za-z0-9-]{1,50}$/.test(text) ? undefined : 'must be 1 to 50 of A-Z a-z 0-9 and -'
const extensionValueFault: Check = text =>
  text.length <= 2048 ? undefined : 'must be at most 2048 characters long'

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)

function refusal(code: string, message: string): Refusal {
  return { status: 400, code, message }
}
