// Reads SES's text about identities that aren't verified. In the sandbox SES also wants the bounce's recipient verified,
// who is the mail's sender, and names them: the bounce sender is verified then, and nothing in the lane can be sent.
// The text quotes the mail. Takes time linear in its length.

/** SES's texts are shorter. */
const LONGEST = 2000

/** Whether the text names identities, and none of them covers the bounce sender. */
export function namesOnlyOthers(text: string, bounceSender: string): boolean {
  const identities = identitiesIn(text.slice(0, LONGEST))
  return identities.length > 0 && !identities.some(identity => covers(identity, bounceSender.toLowerCase()))
}

/** `The following identities failed the check in region EU-WEST-1: a@example.com, example.org` */
function identitiesIn(text: string): string[] {
  const colon = /identit(?:y|ies)[^:]{0,200}:/i.exec(text)
  const words = (colon ? text.slice(colon.index + colon[0].length) : text)
    .split(/[\s,;]+/)
    .map(word => word.replace(/^[<"'(`[]+|[>"')`\].]+$/g, '').toLowerCase())
    .map(word => /^arn:.*:identity\/(.+)$/.exec(word)?.[1] ?? word)
  const isIdentity = colon ? isAddressOrDomain : isAddress
  return words.filter(isIdentity)
}

function isAddress(word: string): boolean {
  return /^.+@[^@]+$/.test(word)
}

function isAddressOrDomain(word: string): boolean {
  return isAddress(word) || /^[a-z\d_-]+(?:\.[a-z\d_-]+)+$/.test(word)
}

/** SES Developer Guide, "Creating and verifying identities": a domain covers its subdomains and all their addresses. */
function covers(identity: string, address: string): boolean {
  if (identity.includes('@')) return identity === address
  const domain = address.slice(address.lastIndexOf('@') + 1)
  return domain === identity || domain.endsWith(`.${identity}`)
}
