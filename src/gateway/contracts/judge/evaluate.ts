// Whether a value fits a schema: yes, no, or not known, where the schema says something that cannot be read.
import { isObject } from '../../../core/protocol/is-object.ts'
import { compilePattern, isEnforced } from '../../../core/text/patterns.ts'
import { typeOfValue } from './folds.ts'
import { fitsFormat } from './formats.ts'
import { bit, type Node } from './graph.ts'
import { stable } from './stable.ts'

/** Undefined: not known. */
export type Truth = boolean | undefined

/** The steps allowed are over. */
export class Spent extends Error {}

/** Steps of one proof and of all that it evaluates. */
export class Steps {
  private left: number
  constructor(most: number) {
    this.left = most
  }
  take(count = 1): void {
    this.left -= count
    if (this.left < 0) throw new Spent()
  }
}

/** What of an object or array subschemas have looked at (`unevaluated*`): surely, and perhaps. */
interface Seen {
  readonly sure: Set<string | number>
  readonly perhaps: Set<string | number>
}

export function typeBit(value: unknown): number {
  const type = typeOfValue(value)
  return type === 'number' ? bit.fraction : bit[type]
}

export function matches(pattern: string, text: string): Truth {
  return isEnforced(pattern) ? compilePattern(pattern).test(text) : undefined
}

const texts = new WeakMap<readonly unknown[], ReadonlySet<string>>()

function includes(values: readonly unknown[], value: unknown): boolean {
  let known = texts.get(values)
  if (known === undefined) {
    known = new Set(values.map(stable))
    texts.set(values, known)
  }
  return known.has(stable(value))
}

export class Evaluator {
  readonly steps: Steps

  constructor(steps: Steps) {
    this.steps = steps
  }

  test(node: Node, value: unknown): Truth {
    return this.apply(node, value, undefined)
  }

  private apply(node: Node, value: unknown, outer: Seen | undefined): Truth {
    this.steps.take(0.05)
    if (node.never === true) return false
    let result: Truth = node.opaque === undefined ? true : undefined
    const needs = outer !== undefined || node.unevaluatedProperties !== undefined || node.unevaluatedItems !== undefined
    const seen: Seen | undefined = needs ? { sure: new Set(), perhaps: new Set() } : undefined
    if (node.opaque !== undefined && seen !== undefined) for (const key of keysOf(value)) seen.perhaps.add(key)
    const and = (next: Truth): boolean => {
      if (next === false) result = false
      else if (next === undefined && result === true) result = undefined
      return result !== false
    }
    if (node.types !== undefined && (node.types & typeBit(value)) === 0) return false
    if (node.values !== undefined && !includes(node.values, value)) return false
    if (typeof value === 'number' && !ofNumber(node, value)) return false
    if (typeof value === 'string' && !and(ofText(node, value))) return false
    if (Array.isArray(value) && !and(this.ofArray(node, value, seen))) return false
    if (isObject(value) && !and(this.ofObject(node, value, seen))) return false
    if (!and(this.inPlace(node, value, seen))) return false
    if (seen !== undefined) {
      if (!and(this.unevaluated(node, value, seen))) return false
      if (outer !== undefined) pass(seen, outer, result)
    }
    return result
  }

  private inPlace(node: Node, value: unknown, seen: Seen | undefined): Truth {
    let result: Truth = true
    const all: Node[] = []
    if (node.ref !== undefined) all.push(node.ref)
    if (node.allOf !== undefined) all.push(...node.allOf)
    for (const one of all) {
      const truth = this.apply(one, value, seen)
      if (truth === false) return false
      if (truth === undefined) result = undefined
    }
    if (node.anyOf !== undefined) {
      let any: Truth = false
      for (const one of node.anyOf) {
        const truth = this.apply(one, value, seen)
        if (truth === true) any = true
        else if (truth === undefined && any === false) any = undefined
        if (any === true && seen === undefined) break
      }
      if (any === false) return false
      if (any === undefined) result = undefined
    }
    if (node.oneOf !== undefined) {
      let sure = 0
      let perhaps = 0
      for (const one of node.oneOf) {
        const truth = this.apply(one, value, seen)
        if (truth === true) sure += 1
        else if (truth === undefined) perhaps += 1
      }
      if (sure > 1 || sure + perhaps === 0) return false
      if (perhaps > 0) result = undefined
    }
    if (node.not !== undefined) {
      const truth = this.apply(node.not, value, undefined)
      if (truth === true) return false
      if (truth === undefined) result = undefined
    }
    if (node.if !== undefined) {
      const condition = this.apply(node.if, value, undefined)
      // Readers differ in whether what a condition names is looked at.
      if (seen !== undefined) for (const key of keysOf(value)) if (mayName(node.if, key)) seen.perhaps.add(key)
      // A branch that may not count gives annotations that may not.
      const inner = condition === undefined && seen !== undefined ? { sure: new Set<string | number>(), perhaps: seen.perhaps } : seen
      const yes = condition === false || node.then === undefined ? true : this.apply(node.then, value, inner)
      const no = condition === true || node.else === undefined ? true : this.apply(node.else, value, inner)
      if (inner !== undefined && inner !== seen) for (const key of inner.sure) seen?.perhaps.add(key)
      if (condition === undefined) {
        if (yes === false && no === false) return false
        if (yes !== true || no !== true) result = undefined
      } else {
        const truth = condition ? yes : no
        if (truth === false) return false
        if (truth === undefined) result = undefined
      }
    }
    return result
  }

  private ofArray(node: Node, value: readonly unknown[], seen: Seen | undefined): Truth {
    if (node.minItems !== undefined && value.length < node.minItems) return false
    if (node.maxItems !== undefined && value.length > node.maxItems) return false
    if (node.uniqueItems === true && new Set(value.map(stable)).size !== value.length) return false
    let result: Truth = true
    const prefix = node.prefixItems ?? []
    for (const [index, one] of value.entries()) {
      const schema = index < prefix.length ? prefix[index] : node.items
      if (schema === undefined) continue
      seen?.sure.add(index)
      const truth = this.apply(schema, one, undefined)
      if (truth === false) return false
      if (truth === undefined) result = undefined
    }
    if (node.contains === undefined) return result
    let sure = 0
    let perhaps = 0
    for (const [index, one] of value.entries()) {
      const truth = this.apply(node.contains, one, undefined)
      if (truth === true) sure += 1
      else if (truth === undefined) perhaps += 1
      // Readers differ in what `contains` has looked at.
      seen?.perhaps.add(index)
    }
    const least = node.minContains ?? 1
    const most = node.maxContains ?? Number.POSITIVE_INFINITY
    if (sure + perhaps < least || sure > most) return false
    return sure >= least && sure + perhaps <= most ? result : undefined
  }

  private ofObject(node: Node, value: Readonly<Record<string, unknown>>, seen: Seen | undefined): Truth {
    const names = Object.keys(value)
    if (node.minProperties !== undefined && names.length < node.minProperties) return false
    if (node.maxProperties !== undefined && names.length > node.maxProperties) return false
    if (node.required?.some((name) => !Object.hasOwn(value, name)) === true) return false
    let result: Truth = true
    const and = (truth: Truth): boolean => {
      if (truth === false) return false
      if (truth === undefined) result = undefined
      return true
    }
    for (const name of names) {
      const named = node.properties?.get(name)
      let taken = named !== undefined
      let perhaps = false
      if (named !== undefined) {
        seen?.sure.add(name)
        if (!and(this.apply(named, value[name], undefined))) return false
      }
      for (const [pattern, one] of node.patternProperties ?? []) {
        this.steps.take(0.05)
        const hit = matches(pattern, name)
        if (hit === false) continue
        const truth = this.apply(one, value[name], undefined)
        if (hit === true) {
          taken = true
          seen?.sure.add(name)
          if (!and(truth)) return false
        } else {
          perhaps = true
          seen?.perhaps.add(name)
          if (truth !== true) result = undefined
        }
      }
      if (!taken && node.additionalProperties !== undefined) {
        const truth = this.apply(node.additionalProperties, value[name], undefined)
        seen?.[perhaps ? 'perhaps' : 'sure'].add(name)
        if (perhaps && truth !== true) result = undefined
        else if (!perhaps && !and(truth)) return false
      }
      if (node.propertyNames !== undefined && !and(this.apply(node.propertyNames, name, undefined))) return false
    }
    for (const [name, needed] of node.dependentRequired ?? []) {
      if (Object.hasOwn(value, name) && needed.some((one) => !Object.hasOwn(value, one))) return false
    }
    for (const [name, one] of node.dependentSchemas ?? []) {
      if (Object.hasOwn(value, name) && !and(this.apply(one, value, seen))) return false
    }
    return result
  }

  private unevaluated(node: Node, value: unknown, seen: Seen): Truth {
    const schema = Array.isArray(value) ? node.unevaluatedItems : isObject(value) ? node.unevaluatedProperties : undefined
    if (schema === undefined) return true
    let result: Truth = true
    for (const key of keysOf(value)) {
      if (seen.sure.has(key)) continue
      const truth = this.apply(schema, (value as Record<string | number, unknown>)[key], undefined)
      if (seen.perhaps.has(key)) {
        if (truth !== true) result = undefined
      } else if (truth === false) return false
      else if (truth === undefined) result = undefined
      seen.sure.add(key)
    }
    return result
  }
}

function keysOf(value: unknown): (string | number)[] {
  if (Array.isArray(value)) return [...value.keys()]
  return isObject(value) ? Object.keys(value) : []
}

function mayName(condition: Node, key: string | number): boolean {
  const { properties, types: _types, required: _required, id: _id, ...others } = condition
  return Object.keys(others).length > 0 || properties?.has(String(key)) === true
}

/** What a subschema looked at counts only where it holds. */
function pass(seen: Seen, outer: Seen, truth: Truth): void {
  for (const key of seen.sure) (truth === true ? outer.sure : outer.perhaps).add(key)
  for (const key of seen.perhaps) outer.perhaps.add(key)
}

function ofNumber(node: Node, value: number): boolean {
  if (node.minimum !== undefined && value < node.minimum) return false
  if (node.maximum !== undefined && value > node.maximum) return false
  if (node.exclusiveMinimum !== undefined && value <= node.exclusiveMinimum) return false
  if (node.exclusiveMaximum !== undefined && value >= node.exclusiveMaximum) return false
  return node.multipleOf === undefined || isMultiple(value, node.multipleOf)
}

/** Fractions within what binary numbers lose. */
export function isMultiple(value: number, of: number): boolean {
  if (Number.isInteger(value) && Number.isInteger(of)) return value % of === 0
  const times = value / of
  return Math.abs(times - Math.round(times)) < 1e-9
}

function ofText(node: Node, value: string): Truth {
  if (node.minLength !== undefined || node.maxLength !== undefined) {
    const length = lengthOf(value)
    if (node.minLength !== undefined && length < node.minLength) return false
    if (node.maxLength !== undefined && length > node.maxLength) return false
  }
  let result: Truth = true
  if (node.pattern !== undefined) {
    const truth = matches(node.pattern, value)
    if (truth === false) return false
    result = truth
  }
  if (node.format !== undefined) {
    const truth = fitsFormat(node.format, value)
    if (truth === false) return false
    if (truth === undefined) result = undefined
  }
  return result
}

/** In characters, as JSON Schema counts. */
export function lengthOf(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}
