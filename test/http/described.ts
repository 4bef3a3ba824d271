// Holds answers against the description of the API that it serves itself.

import assert from 'node:assert/strict'
import { OPENAPI } from '../../src/http/openapi'

interface Ajv {
  addSchema(schema: object, id: string): Ajv
  addVocabulary(names: string[]): Ajv
  compile(schema: object): Check
}
type Check = ((value: unknown) => boolean) & { errors?: unknown }

const Ajv2020 = (require('ajv/dist/2020') as { default: new (options: object) => Ajv }).default
const addFormats = (require('ajv-formats') as { default: (ajv: Ajv) => Ajv }).default

const ajv = addFormats(
  new Ajv2020({ strict: true, strictTypes: false, allErrors: true, validateFormats: true }),
)
// OpenAPI 3.1 schemas are those of JSON Schema 2020-12; the rest of the document is none
ajv.addVocabulary(['components']).addSchema({ components: OPENAPI.components }, 'api')
const checks = new Map<string, Check>()

function checkOf(pointer: string): Check {
  const check = checks.get(pointer) ?? ajv.compile({ $ref: `api${pointer}` })
  checks.set(pointer, check)
  return check
}

type Responses = Record<string, { content: { 'application/json': { schema: { $ref?: string } } } }>

/** `path`: below /ses-bounce, with its query. */
export function assertDescribed(method: string, path: string, status: number, body: unknown): void {
  const [plain = ''] = path.split('?', 1)
  const template = Object.keys(OPENAPI.paths).find(one =>
    new RegExp(`^${one.replace(/\{id\}/, '[^/]+').replaceAll('.', '\\.')}$`).test(plain),
  )
  const operations: Partial<Record<string, { responses: Responses }>> | undefined =
    template === undefined ? undefined : Object(Reflect.get(OPENAPI.paths, template))
  const operation = operations?.[method.toLowerCase()]
  const response = operation?.responses[status]
  // what isn't there, and methods that there aren't, are described for nobody
  const isDescribed = operation === undefined ? status === 404 || status === 405 : response !== undefined
  assert.ok(isDescribed, `${method} ${path}: ${status} isn't described: ${JSON.stringify(body)}`)
  const schema =
    response === undefined ? '#/components/schemas/Failure' : response.content['application/json'].schema.$ref
  if (schema === undefined) return
  const check = checkOf(schema)
  assert.ok(
    check(body),
    `${method} ${path}: ${status} isn't as described: ${JSON.stringify([check.errors, body])}`,
  )
}

/** Whether a body is one that the description takes. */
export function isOrder(body: unknown): boolean {
  return checkOf('#/components/schemas/BounceSubmission')(body)
}
