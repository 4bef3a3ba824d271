// Reads a form-encoded body into its fields. A fault is returned as SES's refusal; nothing throws.

import type { Refusal } from './xml'

export type Checked<T> = { ok: true; value: T } | { ok: false; refusal: Refusal }

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

export function refusal(code: string, message: string): Refusal {
  return { status: 400, code, message }
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}
