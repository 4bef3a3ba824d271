import assert from 'node:assert/strict'
import { readAuthor } from '../../src/mail/author'
import { readHeader } from '../../src/mail/header'
import { linesOf } from './samples'

async function authorOf(
  header: string | readonly string[],
  headerIsCut = false,
): Promise<string | undefined> {
  const lines = typeof header === 'string' ? linesOf(header) : header
  return readAuthor({ fields: (await readHeader(lines, 0)).fields, lines, headerIsCut })
}

describe('The author of a mail', () => {
  it('is the one mailbox of the one From field, in every usual writing', async () => {
    for (const from of [
      'joe@origin.example',
      '<joe@origin.example>',
      'Joe <joe@origin.example>',
      '"Joe, Sales" <joe@origin.example>',
      '=?utf-8?q?J=C3=B6rg?= <joe@origin.example>',
      'Jörg O’Neill <joe@origin.example>',
      'Joe (Sales) <joe@origin.example>',
      'joe@origin.example (Joe)',
      'Joe\n <joe@origin.example>',
    ]) {
      assert.equal(await authorOf(`Subject: x\nFrom: ${from}\nTo: a@b.example`), 'joe@origin.example', from)
    }
    assert.equal(await authorOf('from : joe@origin.example'), 'joe@origin.example')
    assert.equal(await authorOf('From: "a b"@origin.example'), undefined)
    assert.equal(await authorOf('From: <"a b"@origin.example>'), '"a b"@origin.example')
  })

  it('is unknown where there are several, or none', async () => {
    for (const header of [
      'Subject: x',
      'From:',
      'From: Joe',
      'From: a@x.example, b@x.example',
      'From: a@x.example\nSubject: s\nFROM: b@x.example',
      'From: a@x.example\nFrom : a@x.example',
      'From: group: a@x.example;',
    ]) {
      assert.equal(await authorOf(header), undefined, header)
    }
  })

  it('is unknown where another program could read another one', async () => {
    for (const from of [
      'a@x.example <b@x.example>',
      '"<a@x.example>" <b@x.example>',
      '<a@x.example> <b@x.example>',
      '<a@x.example> b@x.example',
      'Joe <a@x.example> (b)',
      '"Joe <a@x.example>',
      '(<a@x.example>) <b@x.example>',
      '=?utf-8?q?a=40x.example?=@y.example <b@x.example>',
      'a@x.example b@x.example',
      'a@x.example; b@x.example',
      'Joe\\ <a@x.example>',
    ]) {
      assert.equal(await authorOf(`From: ${from}`), undefined, from)
    }
  })

  it('is unknown where a From may stand in a part that other programs read otherwise, or that is cut off', async () => {
    const from = 'From: joe@origin.example\n'
    for (const odd of ['X: a\rFrom: b@x.example\n', 'X: a\0\n', 'no field\n', 'From\0: b@x.example\n']) {
      assert.equal(await authorOf([from, odd]), undefined, JSON.stringify(odd))
      assert.equal(await authorOf([odd, from]), undefined, JSON.stringify(odd))
    }
    assert.equal(await authorOf([from], true), undefined)
  })

  it("is unknown where Haraka's line break would make it another", async () => {
    const name = 'n'.repeat(990 - 'From: '.length - 'joe'.length - 2)
    const lines = [`From: ${name} <joe\n`, ' bob@x.example>\n']
    assert.equal(await authorOf(lines), undefined)
    const early = [`From: ${name} xxx<\n`, ' joe@x.example>\n']
    assert.equal(await authorOf(early), 'joe@x.example')
  })

  it('is found in linear time', async () => {
    for (const piece of ['"', '(', '<', 'a@b ', '\\', '"" ', '() ', '<> ', ',']) {
      await authorOf(`From: ${piece.repeat(100_000)}`)
    }
  })
})
