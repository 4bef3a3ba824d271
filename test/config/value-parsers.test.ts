import assert from 'node:assert/strict'
import { parseIni } from '../../src/config/ini'
import { loadSettings } from '../../src/config/load'

/** The diagnostic about one line in a section, without its place. */
function said(section: string, line: string): string {
  const { diagnostics } = loadSettings(parseIni('ses-bounce.ini', `[${section}]\n${line}\n`), {})
  assert.equal(diagnostics.length, 1, line)
  return diagnostics[0]?.message ?? ''
}

const DURATION = 'a number and a unit: 500ms, 10s, 5m, 24h, 7d'
const CIDR = 'addresses and ranges: 192.0.2.1, 192.0.2.0/24, 2001:db8::/32'
const RATE = 'a number per minute, hour or day: 10/day; empty: off'
const SENDER = 'an address; may hold {recipient.domain} or {sender.domain}, or be {recipient}'
const ENDPOINT = 'an http or https URL, which may hold {region}, or "local"; empty: AWS'
const ARN = 'the ARN of a verified identity: arn:aws:ses:eu-west-1:123456789012:identity/example.com'

describe('a value that is wrong is told with what would be right', () => {
  const texts: [section: string, line: string, text: string][] = [
    ['main', 'mode = shout', 'unknown value "shout" for mode; enforce or observe'],
    ['relay', 'trusted = mx.example.com', `unknown value "mx.example.com" for trusted; ${CIDR}`],
    ['relay', 'trusted = 10.0.0.0/33, x', `unknown values "10.0.0.0/33", "x" for trusted; ${CIDR}`],
    ['relay', 'trusted = "10.0.0.1', 'trusted: the closing " is missing after "10.0.0.1'],
    ['relay', 'recipients = maybe', 'unknown value "maybe" for recipients; auto, kept or rewritten'],
    [
      'relay',
      'label_separator = +-',
      'unknown value "+-" for label_separator; one character such as + or -; empty: there are no labels',
    ],
    [
      'relay',
      'label_separator = x',
      'unknown value "x" for label_separator; one character such as + or -; empty: there are no labels',
    ],
    [
      'relay',
      'domains = a@b',
      'unknown value "a@b" for domains; domains: example.com, @.example.org (with its subdomains)',
    ],
    ['ses', 'bounce_sender = a@b@c', `unknown value "a@b@c" for bounce_sender; ${SENDER}`],
    ['ses', 'bounce_sender = daemon', `"daemon" for bounce_sender has no "@"; ${SENDER}`],
    [
      'ses',
      'bounce_sender = a@{host}',
      'bounce_sender: unknown name "{host}"; an address; may hold {recipient.domain} or {sender.domain}, or be {recipient}',
    ],
    ['ses', 'bounce_sender =', `bounce_sender is empty; ${SENDER}`],
    ['ses', 'bounce_sender_arn = arn:x', `unknown value "arn:x" for bounce_sender_arn; ${ARN}`],
    ['ses', 'reporting_mta = mx', 'unknown value "mx" for reporting_mta; "dns; name": dns; mx.example.com'],
    [
      'ses',
      'regions = Ireland',
      'unknown value "Ireland" for regions; names of AWS regions: eu-west-1, us-east-1',
    ],
    ['ses', 'endpoint = ses.example', `unknown value "ses.example" for endpoint; ${ENDPOINT}`],
    ['ses', 'timeout = 10', `unknown value "10" for timeout; ${DURATION}`],
    ['ses', 'timeout = 10ms', '"10ms" is too little for timeout; at least 100ms'],
    ['ses', 'timeout = 1h', '"1h" is too much for timeout; at most 5m'],
    ['limit', 'per_sender = 10', `unknown value "10" for per_sender; ${RATE}`],
    ['limit', 'per_sender = 0/day', `unknown value "0/day" for per_sender; ${RATE}`],
    ['window', 'length = 25h', '"25h" is too much for length; at most 24h: SES accepts no bounce after 24h'],
    [
      'queue',
      'keep = 1d',
      '"1d" is too little for keep; at least 25h: a relay can deliver a mail again as long as SES accepts bounces for it',
    ],
    ['queue', 'retry = 2s', 'unknown value "2s" for retry; two durations, the shorter one first: 2s..10m'],
    [
      'queue',
      'retry = 9s..2s',
      'unknown value "9s..2s" for retry; two durations, the shorter one first: 2s..10m',
    ],
    ['queue', 'unknown_tries = many', 'unknown value "many" for unknown_tries; a number from 1 to 100'],
    ['queue', 'unknown_tries = 0', '"0" is too little for unknown_tries; at least 1'],
    [
      'queue',
      'path = folder/',
      'unknown value "folder/" for path; the path of a file: ses-bounce/queue.sqlite',
    ],
    [
      'queue',
      'store = valkey',
      '"valkey" for store isn\'t safe: what was answered with 250 can be lost; sqlite, postgres',
    ],
    ['queue', 'connections = 0', '"0" is too little for connections; at least 1'],
    ['queue', 'url = db', 'unknown value "db" for url; postgres://USER@HOST:5432/DATABASE'],
    ['content', 'limit = 65mb', '"65mb" is too much for limit; at most 64 MB'],
    [
      'guard',
      'null_sender = false',
      "null_sender can't be turned off: RFC 5321 section 6.1 forbids an answer to the null sender",
    ],
    ['guard', 'spam = sometimes', 'unknown value "sometimes" for spam; true or false'],
    [
      'guard',
      'role_addresses = a b',
      'unknown value "a b" for role_addresses; local parts or addresses: postmaster, abuse@example.com',
    ],
    ['guard', 'authentication = lax', 'unknown value "lax" for authentication; aligned, strict or none'],
    [
      'fallback',
      'expired = bounce',
      'unknown value "bounce" for expired; reject, quarantine, accept, defer or drop',
    ],
    [
      'http',
      'token = secret',
      "token can't be used, and isn't shown; at least 16 letters, digits and -._~+/, or env:NAME",
    ],
  ]
  for (const [section, line, text] of texts) {
    it(`[${section}] ${line}`, () => assert.equal(said(section, line), text))
  }

  it('on one line, however long it is and whatever it holds', () => {
    const text = said('main', `mode = ${'x'.repeat(10_000)}`)
    assert.ok(text.length < 200, text)
    assert.match(said('main', 'mode = a\u001b[31m\u0000b'), /^unknown value "a\\u001b\[31m\\u0000b" for mode/)
  })
})
