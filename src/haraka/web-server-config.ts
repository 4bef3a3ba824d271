// Warns if Haraka's http.ini turns the web server off although the API needs it, or opens it to other machines.
// Never throws; without the file the web server is off, as in Haraka.

import type { Diagnostic } from '../config/diagnostics'
import { parseIni } from '../config/ini'
import type { Settings } from '../config/settings'
import type { Sources } from '../config/sources'
import { quoted } from '../config/value-parsers'

const HTTP_FILE = 'http.ini'

/** An address in `listen` that only this machine can reach, with or without a port, or the path of a socket. */
const LOOPBACK = /^(?:(?:127(?:\.\d{1,3}){3}|\[::1\]|localhost)(?::\d+)?|::1|\/.*)$/i

export function webServerDiagnostics({ http }: Settings, sources: Sources): Diagnostic[] {
  const main = parseIni(HTTP_FILE, sources.read(HTTP_FILE) ?? '').sections.filter(
    ({ name }) => name === 'main',
  )
  const entries = main.flatMap(section => section.entries)
  const listen = entries.findLast(({ key }) => key === 'listen')
  if (listen === undefined || listen.value === '') {
    const message = "[http] token is set, but Haraka's web server is off: listen is missing"
    return http.tokens.length === 0 ? [] : [warning(0, message)]
  }
  const beyond = listen.value.split(/\s*,\s*/).find(address => !LOOPBACK.test(address))
  if (beyond === undefined) return []
  const message = `other machines may reach ${quoted(beyond)}, and with it everything below /ses-bounce: listen on 127.0.0.1, behind a proxy with TLS and authentication`
  return [warning(listen.line, message)]
}

function warning(line: number, message: string): Diagnostic {
  return { severity: 'warning', file: HTTP_FILE, line, message }
}
