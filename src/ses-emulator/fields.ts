// Reads the fields of a call by their names in the query protocol (`A.member.1.B`): structures, lists and texts.
// After a fault reading goes on with harmless values; the first fault is the answer. Nothing throws.

import { refusal } from './form'
import { textFault } from './values'
import type { Refusal } from './xml'

// BouncedRecipientInfoList.member.N.RecipientDsnFields.ExtensionFields.member.N.Name
const DEEPEST_NAME = 8

export interface Node {
  value?: string
  children: Map<string, Node>
}

/** Returns the fault of a text. Undefined: it is valid. */
export type Check = (text: string) => string | undefined

export class FieldReader {
  fault: Refusal | undefined
  readonly #action: string

  constructor(action: string) {
    this.#action = action
  }

  tree(params: ReadonlyMap<string, string>): Node {
    const root: Node = { children: new Map() }
    for (const [name, value] of params) {
      const parts = name.split('.')
      if (parts.length > DEEPEST_NAME) this.unknown(name)
      else branch(root, parts).value = value
    }
    return root
  }

  /** The members `PATH.member.1`, `PATH.member.2`, ... without gaps. `PATH=` is the empty list. */
  protected members<T>(list: Node, path: string, read: (member: Node, path: string) => T): T[] {
    if (list.value !== undefined && (list.value !== '' || list.children.size > 0)) {
      this.invalid(path, 'is a list, not a text')
    }
    for (const name of list.children.keys()) if (name !== 'member') this.unknown(`${path}.${name}`)
    const members = list.children.get('member')
    if (!members) return []
    if (members.value !== undefined) this.unknown(`${path}.member`)
    const values: T[] = []
    for (let n = 1; n <= members.children.size; n++) {
      const member = members.children.get(String(n))
      if (!member) {
        this.invalid(`${path}.member`, `must be numbered from 1 without gaps; ${n} is missing`)
        break
      }
      values.push(read(member, `${path}.member.${n}`))
    }
    return values
  }

  only(node: Node, path: string, names: readonly string[]): void {
    if (node.value !== undefined) this.invalid(path, 'is a structure, not a text')
    for (const name of node.children.keys()) if (!names.includes(name)) this.unknown(join(path, name))
  }

  protected text(node: Node, path: string, name: string, check: Check): string | undefined {
    const child = node.children.get(name)
    return child && this.leaf(child, join(path, name), check)
  }

  protected leaf(node: Node, path: string, check: Check): string | undefined {
    for (const below of node.children.keys()) this.unknown(`${path}.${below}`)
    if (node.value === undefined) return undefined
    const fault = textFault(node.value) ?? check(node.value)
    if (fault !== undefined) this.invalid(path, fault)
    return node.value
  }

  protected required(node: Node, path: string, name: string, check: Check): string {
    const text = this.text(node, path, name, check)
    if (text === undefined) this.missing(join(path, name))
    return text ?? ''
  }

  protected missing(path: string): void {
    const message = `1 validation error detected: Value null at '${path}' failed to satisfy constraint: Member must not be null`
    this.fault ??= refusal('ValidationError', message)
  }

  protected invalid(path: string, fault: string): void {
    this.fault ??= refusal('InvalidParameterValue', `${path} ${fault}.`)
  }

  protected unknown(name: string): void {
    this.fault ??= refusal('InvalidParameterValue', `${name} is not a parameter of ${this.#action}.`)
  }
}

function branch(root: Node, parts: readonly string[]): Node {
  let node = root
  for (const part of parts) {
    let child = node.children.get(part)
    if (!child) node.children.set(part, (child = { children: new Map() }))
    node = child
  }
  return node
}

const join = (path: string, name: string) => (path === '' ? name : `${path}.${name}`)
