// The answers of SES in XML, as the query protocol has them.
// Never fails: what XML can't hold becomes U+FFFD.

/** What SES says when it doesn't do what it was asked. */
export interface Refusal {
  /** HTTP status. */
  status: number
  code: string
  message: string
}

// SES API: WSDL, namespace of version 2010-12-01
const NAMESPACE = 'http://ses.amazonaws.com/doc/2010-12-01/'

export function sendBounceXml(messageId: string, requestId: string): string {
  return (
    `<SendBounceResponse xmlns="${NAMESPACE}">\n` +
    `  <SendBounceResult>\n    <MessageId>${escapeXml(messageId)}</MessageId>\n  </SendBounceResult>\n` +
    `  <ResponseMetadata>\n    <RequestId>${escapeXml(requestId)}</RequestId>\n  </ResponseMetadata>\n` +
    '</SendBounceResponse>\n'
  )
}

export function errorXml({ status, code, message }: Refusal, requestId: string): string {
  return (
    `<ErrorResponse xmlns="${NAMESPACE}">\n` +
    `  <Error>\n    <Type>${status >= 500 ? 'Receiver' : 'Sender'}</Type>\n` +
    `    <Code>${escapeXml(code)}</Code>\n    <Message>${escapeXml(message)}</Message>\n  </Error>\n` +
    `  <RequestId>${escapeXml(requestId)}</RequestId>\n</ErrorResponse>\n`
  )
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escapeXml(text: string): string {
  return (
    text
      // XML 1.0 section 2.2: no other control characters, no surrogates, nor U+FFFE and U+FFFF
      .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
      .replace(/[&<>"]/g, mark => ENTITIES[mark] ?? mark)
      .replaceAll('\r', '&#13;')
  )
}
