// The target of a link in HTML, as a reader or a browser sees it. Never throws.

export interface Target {
  /** The target as the HTML has it, or as a browser resolves it by the HTML's base. */
  target: string
  /** The target that a browser opens, with percent signs decoded, if that differs. */
  decoded?: string
  /** A base changes it. */
  isRelative: boolean
  /** It is printable ASCII without blanks, as most are. */
  isUsual?: true
}

/** URL standard, section 4.4: with these schemes any number of slashes or backslashes, or none, may precede the host. */
const ABSOLUTE = /^(https?|ftp):[\\/]*/i
const OTHER_SCHEME = /^(?!https?:|ftp:)[a-z][a-z0-9+.-]*:/i
/**
 * A target that browsers change beyond its slashes: encoded characters, other letters, users, dots as folders, numbers as hosts
 * but for an IPv4 address as it is usually written (URL standard, section 3.5).
 */
const MAY_CHANGE =
  /%|\\|[^\x21-\x7e]|\/\/[^/?#]*@|\/\.\.?(?:[/?#]|$)|\/\/(?!(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})(?:[/:?#]|$))\d/
const PERCENT = /%([2-7][0-9a-f])/gi
const DELETE = 0x7f
/** Stands for the base of a relative target. */
const NO_BASE = 'https://none.invalid'
const BEGINS_WITH_NO_BASE = /^https:\/\/none\.invalid\/?/

/** The usual target: browsers change nothing of it. */
const USUAL = /^https?:\/\/[a-z](?![^?#]*\/\.)[!#-$&-?A-Z[\]^-~]*$/

/** `base`: of the HTML. '': it has none. */
export function targetOf(written: string, base: string): Target {
  if (USUAL.test(written)) return { target: written, isRelative: false, isUsual: true }
  // section 4.4: control characters and blanks around it, and line ends and tabs in it, are removed
  // oxlint-disable-next-line no-control-regex
  const target = written.replace(/^[\0-\x20]+|[\0-\x20]+$|[\t\n\r]/g, '')
  if (OTHER_SCHEME.test(target)) {
    const decoded = percentDecoded(target)
    return { target, ...(decoded !== target && { decoded }), isRelative: false }
  }
  const scheme = ABSOLUTE.exec(target)
  if (scheme === null && base !== '') {
    const resolved = parsed(target, base)
    return { ...shown(resolved ?? target), isRelative: true }
  }
  const shownAs =
    scheme === null ? target.replace(/^[\\/]{2,}/, '//') : `${scheme[1]}://${target.slice(scheme[0].length)}`
  return { ...shown(shownAs), isRelative: scheme === null }
}

function shown(target: string): { target: string; decoded?: string } {
  if (!MAY_CHANGE.test(target)) return { target }
  const resolved = (parsed(target, NO_BASE) ?? target).replace(BEGINS_WITH_NO_BASE, '')
  const decoded = percentDecoded(resolved)
  return decoded === target || decoded === '' ? { target } : { target, decoded }
}

function percentDecoded(text: string): string {
  return text.replace(PERCENT, (whole, digits: string) => {
    const code = Number.parseInt(digits, 16)
    return code === DELETE ? whole : String.fromCharCode(code)
  })
}

function parsed(target: string, base: string): string | undefined {
  try {
    return new URL(target, base.startsWith('//') ? `https:${base}` : base).href
  } catch {
    return undefined
  }
}
