// The messages between the dispatcher's process and its supervisor.

export type ToDispatcher = { event: 'wake' } | { event: 'stop' }

export interface FromDispatcher {
  event: 'log'
  level: 'info' | 'notice' | 'warn' | 'error'
  message: string
}

export function isToDispatcher(message: unknown): message is ToDispatcher {
  return hasEvent(message) && (message.event === 'wake' || message.event === 'stop')
}

export function isFromDispatcher(message: unknown): message is FromDispatcher {
  return hasEvent(message) && message.event === 'log'
}

function hasEvent(message: unknown): message is { event: unknown } {
  return typeof message === 'object' && message !== null && 'event' in message
}
