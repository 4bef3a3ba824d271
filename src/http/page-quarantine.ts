import type { Route } from './router'
import type { HttpContext } from './routes'

export function quarantinePageRoutes(_context: HttpContext): Route[] {
  return []
}
