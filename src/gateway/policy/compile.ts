// Compiles a gated schema with ajv. Each schema has its own compiler, so that equal `$id`s never meet; the keywords whose cost ajv
// does not bound are ours; formats are annotations, as JSON Schema 2020-12 has them by default.
import type { ErrorObject, Options, ValidateFunction } from 'ajv'
import { Ajv } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import type { Misfits, Violation } from '../../core/call/violation.ts'
import { compilePattern } from '../../core/text/patterns.ts'
import { argumentLimits, measure } from './arguments.ts'
import type { Relaxation } from './relax.ts'
import type { Dialect, SchemaGraph, SchemaObject } from './schema-graph.ts'
import { addMisfits, violations } from './violations.ts'

/** Stands in every referenced subschema and counts how often it is entered: the only work that can multiply. */
const stepKeyword = 'signalbox:step'
/** Entered references that are always allowed, and those allowed for each part of the arguments. */
const freeSteps = 10_000
const stepsPerNode = 64
/** Arguments with more parts than this get only their first violation: collecting all of them costs memory. */
const mostNodesExplained = 5_000
/** Schemas with more parts get only their first violation: a second compilation would stop everybody for a quarter of a second. */
const largestExplained = 500

let stepsLeft = 0

class TooManySteps extends Error {}

const regExp = Object.assign((pattern: string) => compilePattern(pattern), { code: 'new RegExp' })

const options: Options = {
  meta: false,
  validateSchema: false,
  strict: false,
  logger: false,
  validateFormats: false,
  // A property may be named like a member of Object.prototype.
  ownProperties: true,
  // Written out at each use, small referenced schemas would multiply the code.
  inlineRefs: false,
  multipleOfPrecision: 9,
  verbose: true,
  messages: true,
  code: { optimize: false, regExp },
}

const compilers = { 'draft-07': Ajv, '2019-09': Ajv2019, '2020-12': Ajv2020 } as const

/** Judges arguments by one schema. */
export type Validator = (args: unknown, misfits?: Misfits) => readonly Violation[]

/** Compiles on first call; throws there if the compiler does, which the gate has made sure of as far as it can. */
export function compile(
  schema: SchemaObject,
  graph: SchemaGraph,
  dialect: Dialect,
  relaxed: ReadonlyMap<SchemaObject, Relaxation>,
): Validator {
  const cleaned = clean(schema, graph, dialect, relaxed)
  const quick = make(dialect, false)(cleaned)
  let thorough: ValidateFunction | undefined
  return (args, misfits) => {
    const { nodes, tooDeep } = measure(args)
    if (tooDeep) return [{ path: '', expected: `nesting of at most ${argumentLimits.depth}`, got: 'deeper nesting' }]
    const found = run(quick, args, nodes)
    if (found === undefined) return []
    if (!Array.isArray(found)) return [tooCostly]
    if (nodes > mostNodesExplained || graph.nodes > largestExplained) return told(found, misfits)
    thorough ??= make(dialect, true)(cleaned)
    const all = run(thorough, args, nodes)
    return told(Array.isArray(all) ? all : found, misfits)
  }
}

function told(errors: readonly ErrorObject[], misfits: Misfits | undefined): readonly Violation[] {
  if (misfits !== undefined) addMisfits(errors, misfits)
  return violations(errors)
}

const tooCostly: Violation = {
  path: '',
  expected: 'arguments that the schema can judge in bounded time',
  got: 'arguments that match too many alternatives at once',
}

/** Undefined where the arguments fit. */
function run(validate: ValidateFunction, args: unknown, nodes: number): ErrorObject[] | 'too_many_steps' | undefined {
  stepsLeft = freeSteps + stepsPerNode * nodes
  try {
    return validate(args) ? undefined : (validate.errors ?? [])
  } catch (error) {
    if (error instanceof TooManySteps) return 'too_many_steps'
    throw error
  }
}

function make(dialect: Dialect, allErrors: boolean): (schema: SchemaObject) => ValidateFunction {
  const ajv = new compilers[dialect]({ ...options, allErrors })
  ajv.addKeyword({
    keyword: stepKeyword,
    errors: false,
    validate: () => {
      stepsLeft -= 1
      if (stepsLeft < 0) throw new TooManySteps()
      return true
    },
  })
  replaceEquality(ajv)
  return (schema) => ajv.compile(schema)
}

/** The keywords that compare values: ajv's are quadratic, and throw on objects with a property `valueOf`. */
export function replaceEquality(ajv: Ajv | Ajv2019 | Ajv2020): void {
  for (const keyword of ['uniqueItems', 'enum', 'const']) ajv.removeKeyword(keyword)
  ajv.addKeyword({
    keyword: 'uniqueItems',
    type: 'array',
    schemaType: 'boolean',
    validate: (wanted: boolean, list: readonly unknown[]) => !wanted || new Set(list.map(canonical)).size === list.length,
  })
  ajv.addKeyword({ keyword: 'enum', schemaType: 'array', compile: memberOf })
  ajv.addKeyword({ keyword: 'const', compile: (value: unknown) => memberOf([value]) })
}

function memberOf(values: readonly unknown[]): (value: unknown) => boolean {
  const allowed = new Set(values.map(canonical))
  return (value) => allowed.has(canonical(value))
}

/** Equal JSON values have equal text; -0 is 0. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? ''
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`
  const object = value as Record<string, unknown>
  const parts = Object.keys(object)
    .sort()
    .map((key) => `${JSON.stringify(key)}:${canonical(object[key])}`)
  return `{${parts.join(',')}}`
}

/** Keywords that judge. What else stands in a schema (texts, examples, extensions) is left out: ajv looks for ids in it. */
const judging: ReadonlySet<string> = new Set([
  ...[
    '$id',
    '$ref',
    '$anchor',
    '$dynamicAnchor',
    '$dynamicRef',
    '$recursiveRef',
    '$defs',
    'definitions',
    'type',
    'enum',
    'const',
    'nullable',
  ],
  ...['multipleOf', 'maximum', 'exclusiveMaximum', 'minimum', 'exclusiveMinimum', 'maxLength', 'minLength', 'pattern'],
  ...['maxItems', 'minItems', 'uniqueItems', 'maxContains', 'minContains', 'contains', 'items', 'prefixItems', 'additionalItems'],
  ...['maxProperties', 'minProperties', 'required', 'dependentRequired', 'dependentSchemas', 'dependencies', 'properties'],
  ...['patternProperties', 'additionalProperties', 'propertyNames', 'unevaluatedItems', 'unevaluatedProperties'],
  ...['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else'],
])

/** A copy with what judges, without what ajv takes differently from the specification, and with the step counter where references arrive. */
function clean(schema: SchemaObject, graph: SchemaGraph, dialect: Dialect, relaxed: ReadonlyMap<SchemaObject, Relaxation>): SchemaObject {
  const isSchema = (value: object): boolean => graph.schemas.has(value as SchemaObject)
  const holdsSchema = (value: unknown): boolean =>
    typeof value === 'object' && value !== null && (isSchema(value) || Object.values(value).some(holdsSchema))
  const copy = (value: unknown, open?: ReadonlySet<string>): unknown => {
    if (Array.isArray(value)) return value.map((one, index) => (open?.has(String(index)) === true ? true : copy(one)))
    if (typeof value !== 'object' || value === null) return value
    const relaxation = relaxed.get(value as SchemaObject)
    const out: Record<string, unknown> = {}
    for (const [key, child] of Object.entries(value)) {
      if (key === '__proto__' || relaxation?.omitted.has(key) === true) continue
      if (isSchema(value) && !judging.has(key) && !holdsSchema(child)) continue
      out[key] = open?.has(key) === true ? true : copy(child, relaxation?.open.get(key))
    }
    if (relaxation?.anyBranch === true) chooseAny(out)
    if (isSchema(value)) tidy(out, dialect)
    if (graph.targets.has(value as SchemaObject)) out[stepKeyword] = true
    return out
  }
  return copy(schema) as SchemaObject
}

function chooseAny(schema: Record<string, unknown>): void {
  const branches = schema.oneOf
  delete schema.oneOf
  if (branches !== undefined) schema.allOf = [...(Array.isArray(schema.allOf) ? schema.allOf : []), { anyOf: branches }]
}

function tidy(schema: Record<string, unknown>, dialect: Dialect): void {
  // To ajv, and to nobody else, it means that the answer comes later.
  delete schema.$async
  if (dialect === 'draft-07' && typeof schema.$ref === 'string') {
    // There a reference stands for the whole schema.
    for (const key in schema) if (key !== '$ref' && key !== 'definitions' && key !== '$defs') delete schema[key]
  }
  if (schema.if !== undefined) {
    // Where both branches are missing or trivial, ajv forgets what `if` has evaluated.
    for (const branch of ['then', 'else']) schema[branch] ??= { not: false }
  }
  // Within one document a dynamic reference is a plain one; ajv finds a dynamic anchor only where it has compiled it before.
  for (const key of ['$dynamicRef', '$recursiveRef']) {
    const reference = schema[key]
    delete schema[key]
    if (typeof reference !== 'string') continue
    if (schema.$ref === undefined) schema.$ref = reference
    else schema.allOf = [...(Array.isArray(schema.allOf) ? schema.allOf : []), { $ref: reference }]
  }
  // OpenAPI's `nullable`, which ajv refuses to compile in some places.
  if (schema.nullable === true && schema.type !== undefined) {
    const types = Array.isArray(schema.type) ? schema.type : [schema.type]
    if (!types.includes('null')) schema.type = [...types, 'null']
    if (Array.isArray(schema.enum) && !schema.enum.includes(null)) schema.enum = [...schema.enum, null]
  }
  delete schema.nullable
}
