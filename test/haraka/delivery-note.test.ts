// The note that a mail's transaction leaves for a delivery that fails: what is written is read again, and nothing else is.

import assert from 'node:assert/strict'
import fc from 'fast-check'
import type { IncomingMail } from '../../src/app/evaluate-mail'
import {
  type DeliveryNote,
  deliveryNoteOf,
  LARGEST_NOTE_BYTES,
  readDeliveryNote,
  writeDeliveryNote,
} from '../../src/haraka/delivery-note'

function mail(more: Partial<IncomingMail> = {}): IncomingMail {
  return {
    envelope: {
      sender: 'someone@origin.example',
      recipients: [
        { address: 'team@yours.example', notifyNever: true },
        { address: 'user@yours.example', notifyNever: false },
      ],
      rcptCommands: 2,
      relayIp: '192.0.2.1',
      sizeBytes: 1234,
    },
    headerLines: ['Received: from a\n', '\tby b\n', 'Subject: x\n'],
    headerIsCut: false,
    ownFields: 1,
    nowMs: 0,
    nowMonoMs: 0,
    content: () => Promise.reject(new Error('nobody asks')),
    results: () => [],
    search: () => Promise.reject(new Error('nobody asks')),
    ...more,
  }
}

const target = (...addresses: string[]) => ({
  command: undefined,
  targets: addresses.map(address => ({ address })),
})
const TARGETS = [target('one@inner.example', 'two@inner.example'), target('user@yours.example')]

/** The note after Haraka has kept it in a file, as JSON. */
function kept(note: DeliveryNote): DeliveryNote | undefined {
  const notes = {}
  writeDeliveryNote({ notes }, note)
  return readDeliveryNote(JSON.parse(JSON.stringify(notes)) as Record<string, unknown>)
}

describe('the note for a delivery that fails', () => {
  it('is read as it was written', () => {
    const note = deliveryNoteOf(mail({ lineLength: 992 }), TARGETS)
    assert.ok(note)
    assert.deepEqual(kept(note), note)
    assert.deepEqual(
      note.recipients.map(({ address, final }) => [address, final]),
      [
        ['team@yours.example', ['one@inner.example', 'two@inner.example']],
        ['user@yours.example', ['user@yours.example']],
      ],
    )
  })

  it("doesn't change with Haraka's own list of lines", () => {
    const headerLines = ['Subject: x\n']
    const note = deliveryNoteOf(mail({ headerLines }), TARGETS)
    headerLines.length = 0
    assert.deepEqual(note?.headerLines, ['Subject: x\n'])
  })

  it('is not written for a header that is too long, by its bytes', () => {
    assert.equal(deliveryNoteOf(mail({ headerLines: ['x'.repeat(LARGEST_NOTE_BYTES)] }), TARGETS), undefined)
    assert.equal(
      deliveryNoteOf(mail({ headerLines: ['ä'.repeat(LARGEST_NOTE_BYTES / 2)] }), TARGETS),
      undefined,
    )
    assert.ok(deliveryNoteOf(mail({ headerLines: ['x'.repeat(LARGEST_NOTE_BYTES - 1000)] }), TARGETS))
  })

  it('is not read where it is of another version, or where something is missing or of another kind', () => {
    const note = deliveryNoteOf(mail(), TARGETS)
    assert.ok(note)
    for (const key of Object.keys(note)) {
      if (key === 'rcptCommands') continue
      assert.equal(kept({ ...note, [key]: undefined }), undefined, key)
      assert.equal(kept({ ...note, [key]: {} }), undefined, key)
    }
    assert.equal(kept({ ...note, v: 2 as never }), undefined)
    assert.equal(kept({ ...note, recipients: [{ address: 'a@b.example' } as never] }), undefined)
  })

  it('is not read where it would take long, as another plugin has made it large', () => {
    const note = deliveryNoteOf(mail(), TARGETS)
    assert.ok(note)
    const [recipient] = note.recipients
    assert.ok(recipient)
    const lines = Array.from({ length: LARGEST_NOTE_BYTES / 8 }, () => 'X-A: bc\r\n')
    assert.equal(kept({ ...note, headerLines: lines }), undefined)
    assert.equal(kept({ ...note, recipients: lines.map(() => recipient) }), undefined)
    assert.equal(kept({ ...note, ownFields: 1e9 }), undefined)
  })

  it('is never read from anything else', () => {
    fc.assert(
      fc.property(fc.anything(), value => {
        assert.equal(readDeliveryNote({ 'ses-bounce': value }), undefined)
      }),
    )
    assert.equal(readDeliveryNote({}), undefined)
  })
})
