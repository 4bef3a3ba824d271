// Makes the input of SES's SendBounce from a job. Pure; all texts of a job are within SES's limits.

import type { BouncedRecipientInfo, SendBounceCommandInput } from '@aws-sdk/client-ses'
import type { Job, JobRecipient } from '../queue/job'

/** SES API: SendBounce. The bounce that SES makes of it is an RFC 3464 report. */
export function sendBounceInput(job: Job): SendBounceCommandInput {
  return {
    OriginalMessageId: job.sesId,
    BounceSender: job.bounceSender,
    ...(job.bounceSenderArn !== undefined && { BounceSenderArn: job.bounceSenderArn }),
    ...(job.explanation !== undefined && { Explanation: job.explanation }),
    MessageDsn: {
      ReportingMta: job.reportingMta,
      // a receipt in the future counts as now
      ArrivalDate: new Date(Math.min(job.receivedAtMs, job.createdAtMs)),
    },
    BouncedRecipientInfoList: job.recipients.map(recipientInfo),
  }
}

/** Statuses are in RecipientDsnFields. Without an Explanation, SES chooses its own text by BounceType. */
function recipientInfo(recipient: JobRecipient): BouncedRecipientInfo {
  return {
    Recipient: recipient.address,
    BounceType: recipient.bounceType,
    RecipientDsnFields: {
      FinalRecipient: recipient.address,
      // RFC 3464 section 2.3.3: SES reports TemporaryFailure as failed too
      Action: 'failed',
      Status: recipient.status,
      DiagnosticCode: recipient.diagnostic,
      LastAttemptDate: new Date(recipient.addedAtMs),
    },
  }
}
