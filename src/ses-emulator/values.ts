// Checks of the texts in a SendBounce call. Each returns the fault with the right form. Undefined: the text is valid.
// All take linear time.

/** For every text of a call, as it becomes part of a header or a DSN field. */
export function textFault(text: string): string | undefined {
  // a Unicode class, as biome and oxlint forbid control characters in patterns
  return /\p{Cc}/u.test(text) ? 'must not hold control characters' : undefined
}

/** For text that is copied into a DSN (RFC 3464 section 2.1.1: US-ASCII). */
export function printableFault(text: string): string | undefined {
  return /^[ -~]*$/.test(text) ? undefined : 'must be printable ASCII'
}

/** `local@domain` in ASCII, without a display name. */
export function addressFault(text: string): string | undefined {
  const at = text.lastIndexOf('@')
  const local = text.slice(0, Math.max(at, 0))
  const domain = text.slice(at + 1)
  if (at < 0) return "must be an address: Missing final '@domain'"
  // RFC 5321 section 4.5.3.1 for the domain; real mail has longer local parts than it allows
  if (text.length > 998 || domain.length > 255) return 'must be an address: too long'
  if (!isLocalPart(local)) return 'must be an address: Local address contains illegal character'
  return isDomain(domain) ? undefined : 'must be an address: Domain contains illegal character'
}

// RFC 3464 section 2.1.2: mta-name-type ";" mta-name
export function mtaFault(text: string): string | undefined {
  return /^[A-Za-z0-9-]+ ?; ?[!-:<-~]+$/.test(text) ? undefined : 'must be of the form "dns; name"'
}

// RFC 3463 section 2
export function statusFault(text: string): string | undefined {
  return /^[245]\.\d{1,3}\.\d{1,3}$/.test(text) ? undefined : 'must be an enhanced status code as 5.1.1'
}

/** Smithy: awsQuery, timestamps are `date-time`, RFC 3339 section 5.6. */
export function dateFault(text: string): string | undefined {
  const match = /^(\d{4})-(\d\d)-(\d\d)T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/.exec(text)
  const [, year, month, day] = (match ?? []).map(Number)
  // Date.parse accepts the 31st of any month
  const isDay = new Date(Date.UTC(year ?? 0, (month ?? 0) - 1, day)).getUTCDate() === day
  return isDay && !Number.isNaN(Date.parse(text)) ? undefined : 'must be a time as 2025-01-31T12:00:00Z'
}

export function arnFault(text: string): string | undefined {
  return arnIdentity(text) === undefined
    ? 'must be the ARN of an identity as arn:aws:ses:us-east-1:123456789012:identity/example.com'
    : undefined
}

/** The address or domain that an identity's ARN names. */
export function arnIdentity(arn: string): string | undefined {
  return /^arn:aws[a-z-]{0,20}:ses:[a-z0-9-]{1,40}:\d{12}:identity\/([!-~]{1,320})$/.exec(arn)?.[1]
}

// RFC 5321 section 4.1.2: dot-string or quoted-string; dots may be anywhere, as in some real addresses
function isLocalPart(local: string): boolean {
  return /^[^\s"(),:;<>@[\\\]\P{ASCII}]+$/u.test(local) || /^"(?:[ !#-[\]-~]|\\[ -~])*"$/.test(local)
}

// RFC 5321 section 4.1.2: sub-domains or an address literal; real names hold `_`
function isDomain(domain: string): boolean {
  return (
    domain.split('.').every(label => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/.test(label)) ||
    /^\[[A-Za-z0-9:.-]{1,60}\]$/.test(domain)
  )
}
