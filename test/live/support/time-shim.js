// Loaded into every process of a Haraka before anything else: its wall clock goes wrong, and its event loop stands
// still, when a file in the folder FALSE_TIME says so. Without that folder nothing changes.

'use strict'
const fs = require('node:fs')
const path = require('node:path')

const folder = process.env.FALSE_TIME
if (folder) {
  const RealDate = Date
  const realNow = RealDate.now
  const now = () => realNow() + Number(read('offset') ?? 0)

  globalThis.Date = class Date extends RealDate {
    constructor(...parts) {
      if (parts.length === 0) super(now())
      else super(...parts)
    }

    static now() {
      return now()
    }
  }

  const own = `stall.${process.pid}`
  const look = () => {
    const ms = read(own)
    if (ms === undefined) return
    const endMs = performance.now() + Number(ms)
    while (performance.now() < endMs);
    fs.rmSync(path.join(folder, own))
  }
  setInterval(look, 20).unref()
}

/** Undefined: there is no such file, or it is still empty. */
function read(name) {
  try {
    return fs.readFileSync(path.join(folder, name), 'utf8') || undefined
  } catch {
    return undefined
  }
}
