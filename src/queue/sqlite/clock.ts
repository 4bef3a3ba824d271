// The clock of a queue file: that of the machine.

import type { QueueClock } from '../store'

export const machineClock = {
  nowMs: () => Date.now(),
  isKnown: true,
  learn: () => Date.now(),
} satisfies QueueClock
