// Writes the answers of SES and STS in the XML of the query protocol.
// Never throws: characters that XML can't hold become U+FFFD.

/** An error answer of AWS. */
export interface Refusal {
  /** HTTP status. */
  status: number
  code: string
  message: string
}

// SES API and STS API: the namespaces of the services' only versions
export const SES_NAMESPACE = 'http://ses.amazonaws.com/doc/2010-12-01/'
export const STS_NAMESPACE = 'https://sts.amazonaws.com/doc/2011-06-15/'

/** `result` is XML, indented by four. */
export function responseXml(action: string, result: string, requestId: string, namespace: string): string {
  return (
    `<${action}Response xmlns="${namespace}">\n` +
    `  <${action}Result>\n${result}  </${action}Result>\n` +
    `  <ResponseMetadata>\n    <RequestId>${escapeXml(requestId)}</RequestId>\n  </ResponseMetadata>\n` +
    `</${action}Response>\n`
  )
}

export function sendBounceXml(messageId: string, requestId: string): string {
  const result = `    <MessageId>${escapeXml(messageId)}</MessageId>\n`
  return responseXml('SendBounce', result, requestId, SES_NAMESPACE)
}

export function errorXml({ status, code, message }: Refusal, requestId: string, namespace: string): string {
  return (
    `<ErrorResponse xmlns="${namespace}">\n` +
    `  <Error>\n    <Type>${status >= 500 ? 'Receiver' : 'Sender'}</Type>\n` +
    `    <Code>${escapeXml(code)}</Code>\n    <Message>${escapeXml(message)}</Message>\n  </Error>\n` +
    `  <RequestId>${escapeXml(requestId)}</RequestId>\n</ErrorResponse>\n`
  )
}

const ENTITIES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

export function escapeXml(text: string): string {
  return (
    text
      // XML 1.0 section 2.2: no other control characters, no surrogates, nor U+FFFE and U+FFFF
      .replace(/[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/gu, '\u{FFFD}')
      .replace(/[&<>"]/g, mark => ENTITIES[mark] ?? mark)
      .replaceAll('\r', '&#13;')
  )
}
