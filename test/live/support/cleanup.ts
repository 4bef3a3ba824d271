// Ends processes and mounts that must not outlive a test run.
// Runs every task once, also when the run is interrupted; only SIGKILL gets past it.

const tasks = new Set<() => void>()

/** Has `task` (synchronous) done when the run ends in whatever way. Call the answer when it is no longer needed. */
export function atEnd(task: () => void): () => void {
  tasks.add(task)
  return () => void tasks.delete(task)
}

function runTasks(): void {
  for (const task of tasks) {
    tasks.delete(task)
    try {
      task()
    } catch (error) {
      console.error('cleaning up failed:', error)
    }
  }
}

process.once('exit', runTasks)

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
for (const signal of SIGNALS) process.once(signal, endNow)

function endNow(signal: NodeJS.Signals): void {
  runTasks()
  // this listener is gone by now: the signal does what it would have done without it
  process.kill(process.pid, signal)
}

/** For a program that ends by itself at a signal, and stops in order what it has started. */
export function leaveSignals(): void {
  for (const signal of SIGNALS) process.removeListener(signal, endNow)
}

// a child that a test forgot would keep mocha from ending, so 'exit' would never come; the demo runs without mocha
const { after } = globalThis as { after?: (work: () => void) => void }
after?.(runTasks)
