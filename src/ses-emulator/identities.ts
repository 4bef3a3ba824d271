// GetIdentityVerificationAttributes: its field in the SDK's form, and SES's answer in XML.
// A fault is returned as a refusal; nothing throws.

import type { GetIdentityVerificationAttributesRequest, VerificationStatus } from '@aws-sdk/client-ses'
import { FieldReader, type Node } from './fields'
import type { Checked } from './form'
import { addressFault } from './values'
import { escapeXml, responseXml, SES_NAMESPACE } from './xml'

// SES API: GetIdentityVerificationAttributes
const MOST_IDENTITIES = 100

export function readIdentities(
  params: ReadonlyMap<string, string>,
): Checked<GetIdentityVerificationAttributesRequest> {
  const reader = new Reader('GetIdentityVerificationAttributes')
  const value = reader.request(reader.tree(params))
  return reader.fault === undefined ? { ok: true, value } : { ok: false, refusal: reader.fault }
}

class Reader extends FieldReader {
  request(node: Node): GetIdentityVerificationAttributesRequest {
    this.only(node, '', ['Action', 'Version', 'Identities'])
    const list = node.children.get('Identities')
    if (list === undefined) this.missing('Identities')
    const read = (member: Node, path: string) => this.leaf(member, path, identityFault) ?? ''
    const identities = list ? this.members(list, 'Identities', read) : []
    // SES's own words for it aren't known
    if (identities.length > MOST_IDENTITIES)
      this.invalid('Identities', `must have at most ${MOST_IDENTITIES} members`)
    return { Identities: identities }
  }
}

/** An address, or a domain. */
const identityFault = (text: string) => addressFault(text.includes('@') ? text : `postmaster@${text}`)

/** SES's answer leaves out texts that aren't identities of the account. */
export function verificationXml(
  statuses: ReadonlyMap<string, VerificationStatus>,
  requestId: string,
): string {
  const entries = [...statuses].map(
    ([identity, status]) =>
      `      <entry>\n        <key>${escapeXml(identity)}</key>\n` +
      `        <value>\n          <VerificationStatus>${status}</VerificationStatus>\n        </value>\n` +
      '      </entry>\n',
  )
  return responseXml(
    'GetIdentityVerificationAttributes',
    `    <VerificationAttributes>\n${entries.join('')}    </VerificationAttributes>\n`,
    requestId,
    SES_NAMESPACE,
  )
}
