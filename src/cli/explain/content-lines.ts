// The lines of `explain` on the content of a mail: its texts, attachments, and the files in archives. Pure. The caller
// escapes control characters.

import type { Attachment } from '../../mail/content'
import type { ExplainedContent } from './explanation'
import { quotedText, row, sizeText } from './words'

const SHOWN_ATTACHMENTS = 20
/** The most files of one archive. */
const SHOWN_FILES = 20

export function contentLines({ attachments, texts, textCharacters, isCut }: ExplainedContent): string[] {
  const cut = isCut ? ', and was longer: patterns see as much as [content] limit says' : ''
  const shown = attachments.slice(0, SHOWN_ATTACHMENTS)
  return [
    '',
    'Content, as a rule asks for it',
    row('text', texts.length === 0 ? 'none' : `${textCharacters.toLocaleString('en-US')} characters${cut}`),
    ...(shown.length === 0 ? [row('attached', 'nothing')] : shown.flatMap(attachmentLines)),
    ...(attachments.length > shown.length ? [row('', `and ${attachments.length - shown.length} more`)] : []),
  ]
}

function attachmentLines({ names, types, sizeBytes, files, filesAreCut }: Attachment): string[] {
  const name = names.map(quotedText).join(' or ') || 'without a name'
  const line = row('attached', [name, types.map(quotedText).join(' or '), sizeText(sizeBytes)].join(', '))
  if (files === undefined && !filesAreCut) return [line]
  const all = files ?? []
  const more = all.length - SHOWN_FILES
  const within = [
    ...all.slice(0, SHOWN_FILES).map(quotedText),
    ...(more > 0 ? [`${more.toLocaleString('en-US')} more`] : []),
    ...(filesAreCut ? ['maybe others: its list is damaged, encrypted or too long'] : []),
  ]
  return [line, row('', `holds ${within.join(', ') || 'no files'}`)]
}
