// Loaded into a process before anything else: it finds itself on another host than the other processes of this machine,
// as no two hosts have a pid namespace in common.

'use strict'
const fs = require('node:fs')

const PID_SPACE = '/proc/self/ns/pid'
const realStat = fs.statSync
fs.statSync = (file, ...more) => {
  const found = realStat(file, ...more)
  if (file === PID_SPACE) found.ino = process.env.TEST_HOST
  return found
}
