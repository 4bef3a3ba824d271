// Reads the form fields of SendBounce into the SDK's form, and checks every constraint of the API.
// A fault is returned as a refusal that names the field. Nothing throws, and all checks take linear time.

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
import { type Check, FieldReader, type Node } from './fields'
import type { Checked } from './form'
import { addressFault, arnFault, dateFault, mtaFault, printableFault, statusFault } from './values'

// SES API: RecipientDsnFields.Action
const DSN_ACTIONS: readonly DsnAction[] = ['failed', 'delayed', 'delivered', 'relayed', 'expanded']

export function readSendBounce(params: ReadonlyMap<string, string>): Checked<SendBounceRequest> {
  const reader = new Reader('SendBounce')
  const value = reader.request(reader.tree(params))
  return reader.fault === undefined ? { ok: true, value } : { ok: false, refusal: reader.fault }
}

class Reader extends FieldReader {
  request(node: Node): SendBounceRequest {
    this.only(node, '', [
      'Action',
      'Version',
      'OriginalMessageId',
      'BounceSender',
      'Explanation',
      'MessageDsn',
      'BouncedRecipientInfoList',
      'BounceSenderArn',
    ])
    const explanation = this.text(node, '', 'Explanation', printableFault)
    const dsn = node.children.get('MessageDsn')
    const arn = this.text(node, '', 'BounceSenderArn', arnFault)
    return {
      OriginalMessageId: this.required(node, '', 'OriginalMessageId', idFault),
      BounceSender: this.required(node, '', 'BounceSender', addressFault),
      BouncedRecipientInfoList: this.#recipients(node),
      ...(explanation !== undefined && { Explanation: explanation }),
      ...(dsn && { MessageDsn: this.#messageDsn(dsn, 'MessageDsn') }),
      ...(arn !== undefined && { BounceSenderArn: arn }),
    }
  }

  #recipients(node: Node): BouncedRecipientInfo[] {
    const path = 'BouncedRecipientInfoList'
    const list = node.children.get(path)
    if (list === undefined) this.missing(path)
    const recipients = list ? this.members(list, path, (member, at) => this.#recipient(member, at)) : []
    if (recipients.length === 0) this.invalid(path, 'must have at least one member')
    return recipients
  }

  #recipient(node: Node, path: string): BouncedRecipientInfo {
    this.only(node, path, ['Recipient', 'RecipientArn', 'BounceType', 'RecipientDsnFields'])
    const arn = this.text(node, path, 'RecipientArn', arnFault)
    const type = this.text(node, path, 'BounceType', oneOf(BOUNCE_TYPES))
    const dsn = node.children.get('RecipientDsnFields')
    if (type === undefined && !dsn) this.invalid(path, 'must have BounceType or RecipientDsnFields')
    return {
      Recipient: this.required(node, path, 'Recipient', addressFault),
      ...(arn !== undefined && { RecipientArn: arn }),
      ...(type !== undefined && { BounceType: type as BounceType }),
      ...(dsn && { RecipientDsnFields: this.#recipientDsn(dsn, `${path}.RecipientDsnFields`) }),
    }
  }

  #recipientDsn(node: Node, path: string): RecipientDsnFields {
    const names = ['FinalRecipient', 'Action', 'RemoteMta', 'Status', 'DiagnosticCode', 'LastAttemptDate']
    this.only(node, path, [...names, 'ExtensionFields'])
    const final = this.text(node, path, 'FinalRecipient', finalRecipientFault)
    const remote = this.text(node, path, 'RemoteMta', mtaFault)
    const diagnostic = this.text(node, path, 'DiagnosticCode', printableFault)
    const date = this.text(node, path, 'LastAttemptDate', dateFault)
    return {
      Action: this.required(node, path, 'Action', oneOf(DSN_ACTIONS)) as DsnAction,
      Status: this.required(node, path, 'Status', statusFault),
      ...(final !== undefined && { FinalRecipient: final }),
      ...(remote !== undefined && { RemoteMta: remote }),
      ...(diagnostic !== undefined && { DiagnosticCode: diagnostic }),
      ...(date !== undefined && { LastAttemptDate: new Date(date) }),
      ...this.#extensions(node, path),
    }
  }

  #messageDsn(node: Node, path: string): MessageDsn {
    this.only(node, path, ['ReportingMta', 'ArrivalDate', 'ExtensionFields'])
    const date = this.text(node, path, 'ArrivalDate', dateFault)
    return {
      ReportingMta: this.required(node, path, 'ReportingMta', mtaFault),
      ...(date !== undefined && { ArrivalDate: new Date(date) }),
      ...this.#extensions(node, path),
    }
  }

  #extensions(node: Node, path: string): { ExtensionFields?: ExtensionField[] } {
    const list = node.children.get('ExtensionFields')
    if (!list) return {}
    const read = (member: Node, at: string): ExtensionField => {
      this.only(member, at, ['Name', 'Value'])
      return {
        Name: this.required(member, at, 'Name', extensionNameFault),
        Value: this.required(member, at, 'Value', extensionValueFault),
      }
    }
    return { ExtensionFields: this.members(list, `${path}.ExtensionFields`, read) }
  }
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
