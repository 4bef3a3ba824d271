// Finds the route of a request. Pure, and never throws.

import type { Reply } from './reply'
import type { Request } from './request'

/** The prefix of every route's path. */
export const ROOT = '/ses-bounce'

export type Method = 'GET' | 'POST' | 'DELETE'

export interface Route {
  /** GET includes HEAD. */
  method: Method
  /** Below /ses-bounce. A segment `:name` stands for any one segment. */
  path: string
  /** `open`: for everyone who reaches Haraka's web server. `read`: with any token. `operate`: with one that may. */
  access: 'open' | 'read' | 'operate'
  answer(request: Request): Reply | Promise<Reply>
}

export type Found =
  | { kind: 'found'; route: Route; params: Record<string, string> }
  | { kind: 'no such path' }
  | { kind: 'no such method'; allow: string[] }

export function findRoute(routes: readonly Route[], method: string, path: string): Found {
  const here = routes.flatMap(route => {
    const params = match(route.path, path)
    return params === undefined ? [] : [{ route, params }]
  })
  if (here.length === 0) return { kind: 'no such path' }
  const wanted = method === 'HEAD' ? 'GET' : method
  const found = here.find(({ route }) => route.method === wanted)
  if (found !== undefined) return { kind: 'found', ...found }
  const methods = here.map(({ route }) => route.method)
  return { kind: 'no such method', allow: methods.flatMap(one => (one === 'GET' ? ['GET', 'HEAD'] : [one])) }
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')]
  if (wanted.length !== given.length) return undefined
  const params: Record<string, string> = {}
  for (const [index, segment] of wanted.entries()) {
    const text = given[index] ?? ''
    if (segment.startsWith(':')) {
      const value = decoded(text)
      if (value === undefined || value === '') return undefined
      params[segment.slice(1)] = value
      // each of our paths has one form, so that a path below /v1 is recognised without decoding
    } else if (segment !== text) return undefined
  }
  return params
}

/** RFC 3986 section 2.1. Undefined: it isn't UTF-8. */
function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}
