// The other plugins of the demo's Haraka, as they stand in its plugins folder: a directory of mailboxes and a scanner,
// which know nothing of ses-bounce and refuse as such plugins do, and a delivery of what is left.

export const DELIVERED = 'delivered'
export const DELIVERED_LIST = 'delivered.jsonl'

const DIRECTORY = `// Knows the mailboxes at staff.example.com, as an LDAP directory would. One line each in config/staff.
'use strict'

exports.hook_rcpt = function (next, connection, [recipient]) {
  if (recipient.host !== 'staff.example.com') return next()
  const known = this.config.get('staff', 'list')
  if (known.includes(recipient.user)) return next(OK)
  next(DENY, '5.1.1 ' + recipient.user + ' left in May, please write to office@example.com')
}
`

const SCANNER = `// Refuses mail whose text has one of two marks, as a scanner of attachments and one of viruses would.
'use strict'

exports.hook_data_post = (next, connection) => {
  connection.transaction.message_stream.get_data(data => {
    const text = data.toString('latin1')
    if (text.includes('A-MACRO')) return next(DENY, '5.7.1 Documents with macros are not accepted here')
    if (text.includes('A-VIRUS')) return next(DENY, '5.7.1 Virus found: Eicar-Test')
    next()
  })
}
`

const DELIVERY = `// Accepts all mail that is left to deliver, and keeps it in ${DELIVERED}/. Ends with the demo that started Haraka.
'use strict'
const cluster = require('node:cluster')
const fs = require('node:fs')
const path = require('node:path')
const folder = path.join(process.env.HARAKA, '${DELIVERED}')

exports.register = () => {
  if (cluster.isPrimary) process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'))
}

exports.hook_rcpt = next => next(OK)

exports.hook_queue = (next, connection) => {
  const { mail_from, rcpt_to, message_stream, uuid } = connection.transaction
  message_stream.get_data(data => {
    const file = uuid + '.eml'
    fs.writeFileSync(path.join(folder, file), data)
    const line = { file, from: mail_from.address, to: rcpt_to.map(to => to.address) }
    fs.appendFileSync(path.join(folder, '${DELIVERED_LIST}'), JSON.stringify(line) + '\\n')
    next(OK, 'Delivered')
  })
}
`

/** Name and text. */
export const PLUGINS: Readonly<Record<string, string>> = {
  directory: DIRECTORY,
  scanner: SCANNER,
  delivery: DELIVERY,
}
