// The input of POST /v1/bounces as JSON Schema, for the served description and for the reader of requests.
// Plain data.

import { PLAUSIBLE_ID } from '../mail/received'
import { BOUNCE_TYPES } from '../policy/decision'
import { DIAGNOSTIC_CHARACTERS, EXPLANATION_CHARACTERS } from '../policy/templates'
import { TIME_SCHEMA } from './openapi-schemas'

/** SES API SendBounce documents no limit. Mail that SES sends has at most 50 recipients. */
const MOST_RECIPIENTS = 50
/** RFC 5321 section 4.5.3.1.3, and what a local part and a domain may have together. */
export const ADDRESS_CHARACTERS = 254
export const SENDER_CHARACTERS = 320
/** RFC 3463 section 2. */
export const STATUS = /^[45]\.\d{1,3}\.\d{1,3}$/

export const BOUNCE_SUBMISSION = {
  type: 'object',
  required: ['original_message_id', 'region', 'received_at', 'sender', 'recipients'],
  additionalProperties: false,
  properties: {
    original_message_id: {
      type: 'string',
      description: 'The id that SES gave the mail; not its Message-ID.',
      pattern: PLAUSIBLE_ID.source,
    },
    region: { type: 'string', description: 'The AWS region that received it.', examples: ['eu-west-1'] },
    received_at: { ...TIME_SCHEMA, description: 'When SES received it.' },
    sender: {
      type: 'string',
      maxLength: SENDER_CHARACTERS,
      description: "The sender of record, SES's Return-Path: who gets the bounce.",
    },
    recipients: {
      type: 'array',
      minItems: 1,
      maxItems: MOST_RECIPIENTS,
      items: {
        type: 'object',
        required: ['address'],
        additionalProperties: false,
        properties: {
          address: {
            type: 'string',
            maxLength: ADDRESS_CHARACTERS,
            description: 'A recipient that the mail had at SES.',
          },
          type: { type: 'string', enum: BOUNCE_TYPES, default: 'Undefined' },
          status: { type: 'string', pattern: STATUS.source, description: 'RFC 3463.' },
          diagnostic: {
            type: 'string',
            description: `What the mail server said, "smtp; 550 ..."; at most ${DIAGNOSTIC_CHARACTERS} characters.`,
          },
        },
      },
    },
    explanation: {
      type: 'string',
      description: `Words for the sender; at most ${EXPLANATION_CHARACTERS} characters. Without them SES has its own.`,
    },
    bounce_sender: {
      type: 'string',
      description: 'Who the bounce comes from: a verified identity. Without it, [ses] bounce_sender.',
    },
    authenticated: {
      type: 'boolean',
      default: false,
      description:
        "The caller has seen that SPF, DKIM or DMARC proves the sender's domain. Must be true unless [guard] authentication is none.",
    },
  },
} as const
