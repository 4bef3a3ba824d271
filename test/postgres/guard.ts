// Ends a server whose test process is gone, also when that one was killed: a shell waits for the end of a pipe that only
// the test process holds.

import { spawn } from 'node:child_process'

/** SIGQUIT: PostgreSQL ends at once, and frees its shared memory. A frozen one is woken up first. */
const SCRIPT = `
  read -r _ && exit
  pid=$(head -n 1 "$2/postmaster.pid" 2> /dev/null)
  is_ours() { tr '\\0' ' ' < "/proc/$pid/cmdline" | grep -qF -- "$2"; }
  if [ -n "$pid" ] && is_ours "$@" 2> /dev/null; then
    kill -CONT "$pid"; kill -QUIT "$pid"
    for _ in $(seq 100); do is_ours "$@" 2> /dev/null || break; sleep 0.1; done
  fi
  rm -rf "$1"
`

/** Call the answer once the server has ended and its folder is gone. */
export function guardServer(folder: string, dataFolder: string): () => void {
  const guard = spawn('sh', ['-c', SCRIPT, 'guard', folder, dataFolder], {
    stdio: ['pipe', 'ignore', 'ignore'],
    // not in the terminal's group: it outlives the test's process
    detached: true,
  })
  guard.unref()
  guard.stdin.on('error', () => {})
  const { unref } = guard.stdin as { unref?: () => void }
  unref?.call(guard.stdin)
  return () => void guard.stdin.end('done\n')
}
