import assert from 'node:assert/strict'
import { sendBounceInput } from '../../src/dispatch/send-bounce'
import { BOUNCE_TYPES } from '../../src/policy/decision'
import { job, RECEIVED_MS } from './support'

describe('sendBounceInput', () => {
  it('says once what holds for the call, and all of it for each recipient', () => {
    const [first] = job().recipients
    assert.ok(first)
    const second = {
      ...first,
      address: 'full@yours.example',
      bounceType: 'ExceededQuota' as const,
      status: '5.2.2',
      diagnostic: 'smtp; 552 5.2.2 Mailbox full',
      addedAtMs: RECEIVED_MS + 9000,
    }
    assert.deepEqual(sendBounceInput(job({ explanation: 'Sorry.', recipients: [first, second] })), {
      OriginalMessageId: '7k822gft4kqtq4dgji1sqdhnqgqnj9bsv76lqoo1',
      BounceSender: 'mailer-daemon@yours.example',
      Explanation: 'Sorry.',
      MessageDsn: { ReportingMta: 'dns; mx.yours.example', ArrivalDate: new Date(RECEIVED_MS) },
      BouncedRecipientInfoList: [
        {
          Recipient: 'nobody@yours.example',
          BounceType: 'DoesNotExist',
          RecipientDsnFields: {
            FinalRecipient: 'nobody@yours.example',
            Action: 'failed',
            Status: '5.1.1',
            DiagnosticCode: 'smtp; 550 5.1.1 No such mailbox',
            LastAttemptDate: new Date(RECEIVED_MS + 5000),
          },
        },
        {
          Recipient: 'full@yours.example',
          BounceType: 'ExceededQuota',
          RecipientDsnFields: {
            FinalRecipient: 'full@yours.example',
            Action: 'failed',
            Status: '5.2.2',
            DiagnosticCode: 'smtp; 552 5.2.2 Mailbox full',
            LastAttemptDate: new Date(RECEIVED_MS + 9000),
          },
        },
      ],
    })
  })

  it('leaves out what the job has not, so that SES uses its own', () => {
    const input = sendBounceInput(job())
    assert.equal('Explanation' in input, false)
    assert.equal('BounceSenderArn' in input, false)
  })

  it('names the identity of another account where there is one', () => {
    const bounceSenderArn = 'arn:aws:ses:eu-west-1:123456789012:identity/yours.example'
    assert.equal(sendBounceInput(job({ bounceSenderArn })).BounceSenderArn, bounceSenderArn)
  })

  it('reports each type as failed, a temporary one too, as SES does', () => {
    for (const bounceType of BOUNCE_TYPES) {
      const recipients = job().recipients.map(recipient => ({ ...recipient, bounceType }))
      const [info] = sendBounceInput(job({ recipients })).BouncedRecipientInfoList ?? []
      assert.equal(info?.BounceType, bounceType)
      assert.equal(info?.RecipientDsnFields?.Action, 'failed')
    }
  })
})
