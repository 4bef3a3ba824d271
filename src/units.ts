// Units in types: a value with a unit can't stand where another unit is meant. The types produce no code.

declare const unit: unique symbol

/** A plain number fits, as sums and literals are; a number of another unit doesn't. */
type Measured<U extends string> = number & { readonly [unit]?: U }
/** A text gets this type only by a cast, in the one function that makes it. */
type Made<U extends string> = string & { readonly [unit]: U }

/** Milliseconds since the epoch, of the clock that can be set. */
export type EpochMs = Measured<'ms since the epoch'>
/** Milliseconds of a clock that is never set, with its zero at no known time. */
export type MonoMs = Measured<'ms of a monotonic clock'>

/** The result of `addressKey`: equal for addresses of one mailbox. */
export type AddressKey = Made<'address key'>
/** The result of `asciiDomain`: A-labels in lower case. '' stands for none. */
export type AsciiDomain = Made<'ASCII domain'> | ''
