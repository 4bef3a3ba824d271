import assert from 'node:assert/strict'
import fc from 'fast-check'
import { sesBlock } from '../../src/cli/cases/ses-block'
import { readHeader } from '../../src/mail/header'
import { readReceipt } from '../../src/mail/receipt'

describe('what SES would have written', () => {
  it('is read back as it was meant', async () => {
    const word = fc.constantFrom('pass', 'fail', 'none', 'neutral')
    const part = fc.record({
      sender: fc.constantFrom('', 'a@origin.example', '"a b"@origin.example', 'ü@exämple.example'),
      recipient: fc.constantFrom('x@yours.example', '"x y"@yours.example'),
      region: fc.constantFrom('eu-west-1', 'us-gov-west-1'),
      client: fc.record({ ip: fc.constantFrom('192.0.2.1', '2001:db8::1') }),
      verdicts: fc.record(
        { spam: word, virus: word, spf: word, dkim: word, dmarc: word },
        { noNullPrototype: true },
      ),
    })
    await fc.assert(
      fc.asyncProperty(part, fc.integer({ min: 0, max: 4e9 }), async (part, seconds) => {
        const { fields } = await readHeader(
          sesBlock(part, seconds * 1000).map(line => `${line}\n`),
          0,
        )
        const { receipt, warnings } = readReceipt(fields)
        assert.deepEqual(warnings, [])
        assert.deepEqual(
          [
            receipt?.returnPath,
            receipt?.forRecipient,
            receipt?.region,
            receipt?.client.ip,
            receipt?.verdicts,
            receipt?.receivedAtMs,
          ],
          [part.sender, part.recipient, part.region, part.client.ip, part.verdicts, seconds * 1000],
        )
        const isProved = part.sender !== '' && part.verdicts.spf === 'pass'
        if (isProved)
          assert.match(receipt?.authentication.spfDomain ?? '', /^(?:origin|xn--exmple-cua)\.example$/)
      }),
    )
  })
})
