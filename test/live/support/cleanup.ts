// What must not outlive a test run: processes and mounts.
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
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    runTasks()
    // this listener is gone by now: the signal does what it would have done without it
    process.kill(process.pid, signal)
  })
}

// a child that a test forgot would keep mocha from ending, so 'exit' would never come
if (typeof after === 'function') after(runTasks)
