// Mutated mails of the corpus: each is read or refused, in time and within its bounds.
// A mail that fails is written to the folder for temporary files, and belongs into the corpus when it is fixed.

import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { readContent } from '../../src/mail/content'
import { NAME_CHARACTERS, NAMES_CHARACTERS } from '../../src/mail/mime/limits'
import { UnreadableError } from '../../src/mail/unreadable'
import { cpuMs } from '../cpu-time'
import { mutatedMail } from './mutate'

/** `FUZZ_MAILS=1000000 FUZZ_SEED=1 npm run fuzz` */
const MAILS = Number(process.env['FUZZ_MAILS'] ?? 3000)
const SEED = Number(process.env['FUZZ_SEED'] ?? 1)
/** The limits of the texts. */
const LIMITS = [0, 10, 1000, 262_144]
/** Longer readings are measured by their CPU time. */
const LONG_MS = 200
/** For up to 200 KB; a mail of 16 KB on the main thread may take 100. */
const MOST_MS = 1000

function read(mail: Buffer, number: number): void {
  const limit = LIMITS[number % LIMITS.length] ?? 0
  const opensArchives = number % 2 === 0
  try {
    const { texts, readings = [], attachments, isCut } = readContent(mail, limit, opensArchives)
    for (const text of texts) {
      assert.ok(text.length <= limit)
      if (!isCut) assert.equal(text, text.trim())
      // oxlint-disable-next-line no-control-regex
      assert.doesNotMatch(text, /[\0-\x08\x0e-\x1f\u00ad\u200b-\u200f\u202a-\u202e]/)
    }
    for (const text of readings) assert.ok(text.length <= 4 * limit)
    assert.equal(typeof isCut, 'boolean')
    const names = attachments.flatMap(one => [...one.names, ...(one.files ?? [])])
    for (const name of names) {
      assert.ok(name.length > 0 && name.length <= 2 * NAME_CHARACTERS)
      assert.doesNotMatch(name, /[\p{Cc}\p{Cf}]/u)
    }
    assert.ok(names.reduce((sum, { length }) => sum + length, 0) <= NAMES_CHARACTERS)
    // a line of uuencode whose blanks are lost is still as long as it says
    for (const { sizeBytes } of attachments)
      assert.ok(Number.isSafeInteger(sizeBytes) && sizeBytes >= 0 && sizeBytes <= 2 * mail.length)
  } catch (error) {
    if (!(error instanceof UnreadableError)) throw error
  }
}

describe('a mutated mail', function () {
  this.timeout(0)

  it(`is read or refused in time and within its bounds, ${MAILS} times`, async () => {
    let at = performance.now()
    for (let number = 0; number < MAILS; number++) {
      const mail = mutatedMail(SEED + number)
      try {
        read(mail, number)
        const now = performance.now()
        if (now - at > LONG_MS) {
          const tookMs = cpuMs(MOST_MS, () => read(mail, number))
          assert.ok(tookMs < MOST_MS, `it takes ${tookMs} ms`)
        }
        at = performance.now()
      } catch (error) {
        const file = path.join(tmpdir(), `mutated-mail-${SEED + number}.eml`)
        writeFileSync(file, mail)
        throw new Error(`FUZZ_SEED=${SEED + number}, ${file}`, { cause: error })
      }
      if (number % 1000 === 0) await new Promise(resolve => setImmediate(resolve))
    }
  })
})
