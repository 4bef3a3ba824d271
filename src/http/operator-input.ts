// The input of GET /v1/audit and POST /v1/flush, for their readers and for the description. Plain data.

export const AUDIT_PARAMETERS = ['action', 'who', 'via', 'since', 'until', 'limit', 'cursor'] as const

/** The input of POST /v1/flush as JSON Schema. */
export const FLUSH = {
  type: 'object',
  required: [],
  additionalProperties: false,
  properties: {
    region: { type: 'string', description: 'Only there; with several accounts ACCOUNT/REGION.' },
    reason: { type: 'string', description: 'Why, for the audit and the history of each job.' },
  },
}
