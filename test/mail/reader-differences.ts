// Where our reader of content differs from mailparser, on purpose: one mail for each difference, and both readings of it.
// docs/flow.md has the same list.

export interface Reading {
  text: string
  /** The text of its HTML, where mailparser keeps it apart. */
  html?: string
  attachments: [names: string[], type: string, sizeBytes: number][]
}

interface Difference {
  /** A sentence of docs/flow.md. */
  what: string
  mail: string[]
  ours: Reading | { unreadable: string }
  theirs: Reading
}

const parts = (...all: string[][]) => [
  'Content-Type: multipart/mixed; boundary=b',
  '',
  ...all.flatMap(part => ['--b', ...part]),
  '--b--',
]
const FILE: Reading['attachments'][number] = [['a.pdf'], 'application/pdf', 1]
const FILE_FIELD = 'Content-Type: application/pdf; name=a.pdf'
const of = (text: string, ...attachments: Reading['attachments']): Reading => ({ text, attachments })
const NOTHING = of('')

export const DIFFERENCES: readonly Difference[] = [
  {
    what: 'An attached mail is opened: its files are attachments',
    mail: parts(['Content-Type: message/rfc822', '', FILE_FIELD, '', 'x']),
    ours: of('', [[], 'message/rfc822', 46], FILE),
    theirs: of('', [[], 'message/rfc822', 46]),
  },
  {
    what: "the text of an attached mail is part of the mail's, unless it is marked as an attachment",
    mail: parts(['Content-Type: message/rfc822', '', 'Subject: y', '', 'hello']),
    ours: of('hello', [[], 'message/rfc822', 19]),
    theirs: of('', [[], 'message/rfc822', 19]),
  },
  {
    what: 'the parts of a digest are mails even if they name no type',
    mail: ['Content-Type: multipart/digest; boundary=b', '', '--b', '', 'Subject: y', '', 'hi', '--b--'],
    ours: of('hi', [[], 'message/rfc822', 16]),
    theirs: of('Subject: y hi'),
  },
  {
    what: 'A part of any type of text is a text, and an attachment too unless it is plain or HTML',
    mail: parts(['Content-Type: text/csv', '', 'a,b']),
    ours: of('a,b', [[], 'text/csv', 3]),
    theirs: of('', [[], 'text/csv', 3]),
  },
  {
    what: 'a malformed type is plain text',
    mail: ['Content-Type: text', '', 'hi'],
    ours: of('hi'),
    theirs: of('', [[], 'text', 2]),
  },
  {
    what: 'a text with a file name is an attachment, too',
    mail: parts(['Content-Type: text/plain; name=a.txt', '', 'hi']),
    ours: of('hi', [['a.txt'], 'text/plain', 2]),
    theirs: of('hi'),
  },
  {
    what: 'All names of a part count',
    mail: ['Content-Type: a/b; name=b.exe', 'Content-Disposition: attachment; filename=a.pdf', '', 'x'],
    ours: of('', [['a.pdf', 'b.exe'], 'a/b', 1]),
    theirs: of('', [['a.pdf'], 'a/b', 1]),
  },
  {
    what: 'names in malformed parameters count, too',
    mail: ['Content-Type: application/pdf', 'Content-Disposition: attachment filename="a.pdf"', '', 'x'],
    ours: of('', FILE),
    theirs: of('', [[], 'application/pdf', 1]),
  },
  {
    what: 'a name has no blanks and dots at its end',
    mail: ['Content-Type: application/pdf', 'Content-Disposition: attachment; filename="a.pdf . "', '', 'x'],
    ours: of('', FILE),
    theirs: of('', [['a.pdf . '], 'application/pdf', 1]),
  },
  {
    what: 'A multipart whose boundary is missing or wrong is split all the same',
    mail: ['Content-Type: multipart/mixed', '', '--b', 'Content-Type: text/html', '', '<b>gi</b>ft', '--b--'],
    ours: of('gift'),
    theirs: NOTHING,
  },
  {
    what: 'an encoded multipart is decoded',
    mail: [
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Transfer-Encoding: base64',
      '',
      Buffer.from('--b\r\n\r\ngift\r\n--b--').toString('base64'),
    ],
    ours: of('gift'),
    theirs: NOTHING,
  },
  {
    what: 'a multipart without any part is text',
    mail: ['Content-Type: multipart/mixed; boundary=b', '', 'gift', '--b--'],
    ours: of('gift --b--'),
    theirs: NOTHING,
  },
  {
    what: 'Of fields or parameters that contradict each other each counts, so a text may be read twice',
    mail: ['Content-Type: text/plain', 'Content-Type: text/html', '', '<b>gi</b>ft'],
    ours: of('<b>gi</b>ft gift'),
    theirs: of('<b>gi</b>ft'),
  },
  {
    what: 'A header may end at two bare CRs',
    mail: ['Subject: x\r\rgift', '', ''],
    ours: of('gift'),
    theirs: NOTHING,
  },
  {
    what: 'An encoding that is misspelt is decoded',
    mail: ['Content-Transfer-Encoding: "base64"', '', 'Z2lmdA=='],
    ours: of('gift'),
    theirs: of('Z2lmdA=='),
  },
  {
    what: 'uuencode is decoded',
    mail: ['Content-Transfer-Encoding: x-uuencode', '', 'begin 644 a.txt', '#86)C', '`', 'end'],
    ours: of('abc'),
    theirs: of('begin 644 a.txt #86)C ` end'),
  },
  {
    what: 'Files in the lines of a text are attachments',
    mail: ['Content-Type: text/plain', '', 'hi', 'begin 644 run.exe', '#86)C', '`', 'end'],
    ours: of('hi begin 644 run.exe #86)C ` end', [['run.exe'], 'application/octet-stream', 3]),
    theirs: of('hi begin 644 run.exe #86)C ` end'),
  },
  {
    what: 'A text in a charset that is unknown, and that is neither ASCII nor UTF-8, is unreadable',
    mail: ['Content-Type: text/plain; charset=x-nope', '', 'gr\xfc'],
    ours: { unreadable: 'a text is in the charset "x-nope"' },
    theirs: of('gr\ufffd'),
  },
  {
    what: 'a text that names no charset is UTF-8 or windows-1252',
    mail: ['Content-Type: text/plain', '', 'gr\xfc'],
    ours: of('grü'),
    theirs: of('gr\ufffd'),
  },
  {
    what: 'HTML may name its own charset',
    mail: ['Content-Type: text/html', '', '<meta charset=windows-1251>\xcf'],
    ours: of('П'),
    theirs: { ...NOTHING, html: '\ufffd' },
  },
  {
    what: 'HZ, ISO 2022 and UTF-7 are decoded',
    mail: ['Content-Type: text/plain; charset=hz-gb-2312', '', '~{VP9z~}'],
    ours: of('中国'),
    theirs: of('~{VP9z~}'),
  },
  {
    what: 'Characters that nobody sees are left out',
    mail: ['Content-Type: text/plain; charset=utf-8', '', 'gi\xe2\x80\x8bft'],
    ours: of('gift'),
    theirs: of('gi\u200bft'),
  },
  {
    what: 'lines that Haraka broke are joined',
    mail: ['Content-Type: text/plain', '', 'x'.repeat(990), ' y'],
    ours: of(`${'x'.repeat(990)}y`),
    theirs: of(`${'x'.repeat(990)} y`),
  },
]
