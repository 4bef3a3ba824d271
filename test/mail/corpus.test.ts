// Forms of mail that programs show and that fields describe badly: one small mail a form, its reading beside it.

import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readContent } from '../../src/mail/content'
import { UnreadableError } from '../../src/mail/unreadable'

const FOLDER = path.join(__dirname, 'corpus')
const LIMIT = 10_000

interface Reading {
  texts?: readonly string[]
  /** The names of each attachment. */
  names?: string[][]
  unreadable?: string
  /** In archives, of each attachment. Only then archives are opened. */
  files?: string[][]
  filesAreCut?: boolean
  /** Other forms of the texts, with which patterns are compared too. */
  readings?: string[]
}

describe('the content of a mail of a form that programs show', () => {
  const mails = readdirSync(FOLDER).filter(file => file.endsWith('.eml'))

  for (const file of mails) {
    const form = path.basename(file, '.eml')
    it(`is read as a reader sees it: ${form.replaceAll('-', ' ')}`, () => {
      const raw = readFileSync(path.join(FOLDER, file))
      const wanted = JSON.parse(readFileSync(path.join(FOLDER, `${form}.json`), 'utf8')) as Reading
      if (wanted.unreadable !== undefined) {
        assert.throws(() => readContent(raw, LIMIT), new UnreadableError(wanted.unreadable))
        return
      }
      const { texts, readings, attachments, isCut } = readContent(raw, LIMIT, wanted.files !== undefined)
      const filesAreCut = attachments.some(one => one.filesAreCut)
      const read: Reading = {
        texts,
        names: attachments.map(({ names }) => [...names]),
        ...(wanted.files && { files: attachments.map(({ files }) => [...(files ?? [])]) }),
        ...(filesAreCut && { filesAreCut }),
        ...(wanted.readings && { readings: [...(readings ?? [])] }),
      }
      assert.deepEqual(read, wanted)
      assert.equal(isCut, false)
    })
  }
})
