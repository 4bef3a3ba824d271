// Parsers of the places in ses-bounce.ini where mail is kept.

import { quoted, whole } from './value-parsers'

/** A bucket of S3 is planned. */
export const mailStore = whole<'folder'>('folder', (text, key) => {
  if (text.toLowerCase() === 'folder') return { value: 'folder' }
  if (/^s3:/i.test(text)) return { fault: `${quoted(text)} for ${key} is not available yet; folder` }
  return { fault: `unknown value ${quoted(text)} for ${key}; folder` }
})
