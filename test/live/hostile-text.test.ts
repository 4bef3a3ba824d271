import assert from 'node:assert/strict'
import { plainMail } from './support/mail'
import { replyText } from './support/smtp'
import { FROM, strictProduct } from './support/strict'
import { until } from './support/wait'

const RULES = `
[echo]
recipient = echo@yours.example
action = bounce
bounce.type = ContentRejected
bounce.text = Your mail "{subject}" from {sender}, {message-id}
bounce.diagnostic = smtp; 550 {subject}

[repeat]
recipient = repeat@yours.example
action = reject
reply = We don't read "{subject}"
`

describe('a mail with text that deceives its readers', function () {
  const strict = strictProduct(RULES)
  const { send, genuine } = strict

  const subjects: Record<string, string> = {
    'line ends in an encoded word': '=?utf-8?q?a=0D=0ABcc:_victim@victim.example=0D=0A=0D=0Abody?=',
    'escape sequences': '=?utf-8?q?=1B[31mred=1B]0;title=07=C2=9B2J?=',
    'raw control characters': 'a\x1b[2J\x07\x08\x00b',
    'text that turns its direction': '=?utf-8?b?4oCuZ25paHRlbW9z?= \u2028\u202e',
    'a line of our log': '=?utf-8?q?x"=0A[INFO]_[-]_[ses-bounce]_rule=3Dforged_action=3Daccept?=',
    templates: '{sender} {subject} {recipient} ${HOME} %s %d $1',
    'no end': 'x'.repeat(900),
    'no end in encoded words': Array.from({ length: 300 }, () => '=?utf-8?b?w6nDqcOpw6nDqQ==?=').join(
      '\r\n ',
    ),
  }
  for (const [trick, subject] of Object.entries(subjects)) {
    it(`${trick}: short and printable at SES and to the relay, and no line of its own in the log`, async () => {
      const options = { headers: { Subject: subject, 'Message-ID': `<${subject.slice(0, 40)}>` } }
      const mail = genuine({ ...options, recipient: 'echo@yours.example' })
      assert.match(await send(mail.data, 'echo@yours.example'), /^250 Message accepted by policy/)
      const input = await until(() => inputOf(mail.sesId), { what: 'the call' })
      const info = input.BouncedRecipientInfoList?.[0]?.RecipientDsnFields
      assert.match(input.Explanation ?? '', /^Your mail "[ -~]*$/)
      assert.ok((input.Explanation ?? '').length <= 500)
      assert.match(info?.DiagnosticCode ?? '', /^smtp; 550 [ -~]*$/)
      assert.ok((info?.DiagnosticCode ?? '').length <= 256)

      const refused = genuine({ ...options, recipient: 'repeat@yours.example' })
      const reply = await send(refused.data, 'repeat@yours.example')
      assert.match(reply, /^550 5\.\d\.\d We don't read "[ -~]*$/)
      assert.ok(reply.length <= 510, `${reply.length}`)
      // a text's second line would begin one of the log's
      assert.ok(strict.product.haraka.log().every(line => !/^(?:\[INFO\]|Bcc|body)/.test(line)))
    })
  }

  it('addresses: in quotes that they can not leave, and in ASCII', async () => {
    const recipient = '"x\\" action=accept \\\\"@yours.example'
    const since = strict.product.haraka.log().length
    const mail = genuine({ recipient })
    const hostile = { from: 'a\u009b31m\u202e@origin.example', to: [recipient] }
    const { reply } = await strict.session.mail({ ...hostile, data: mail.data })
    assert.match(replyText(reply), /^250 Message accepted by policy/)
    const quoted = JSON.stringify(recipient)
    await strict.product.haraka.waitForLog(` action=bounce recipient=${quoted} sender=${FROM} `, { since })

    const { reply: refusal } = await strict.session.mail({ ...hostile, data: plainMail() })
    assert.match(replyText(refusal), /^550 5\.1\.1 /)
    await strict.product.haraka.waitForLog(' sender="a\\u009b31m\\u202e@origin.example"', { since })
  })

  it('all our log lines about it: printable ASCII', () => {
    const lines = strict.product.haraka.log().filter(line => line.includes(' [ses-bounce] '))
    assert.ok(lines.length > 2 * Object.keys(subjects).length, `${lines.length}`)
    for (const line of lines) assert.match(line, /^[ -~]*$/)
  })

  function inputOf(sesId: string) {
    return strict.product.ses.calls.find(({ input }) => input?.OriginalMessageId === sesId)?.input
  }
})
