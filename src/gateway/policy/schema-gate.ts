// The gate for input schemas of foreign tools: judges a schema at ingestion, cheaply and completely, so that the catalog can set one
// bad tool aside; compiles it at the first call; keeps compiled ones by their content.
import { createHash } from 'node:crypto'
import { Ajv, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { LRUCache } from 'lru-cache'
import type { Violation } from '../../core/call/item.ts'
import { compile, type Dialect, replaceEquality, type Validator } from './compile.ts'
import { isEnforced } from './patterns.ts'
import { type Refusal, readSchema, type SchemaGraph, type SchemaObject } from './schema-graph.ts'

export interface Gated {
  /** Empty where the arguments fit. Never throws; compiled on first use. */
  readonly validate: (args: unknown) => readonly Violation[]
  /** What of the schema is not enforced, for the operator. */
  readonly notes: readonly string[]
}

export type GateSchema = (schema: unknown) => Gated | { readonly refused: Refusal }

export interface GateOptions {
  /** Compiled schemas that are kept; the longest unused one is compiled anew when it is needed. About 8 KB each. */
  readonly most?: number
  /** A schema passed every check and yet the compiler threw: its tool is served, the server itself has to judge the arguments. */
  readonly uncompiled?: (reason: string) => void
}

/**
 * A gate with its own cache. All checks (size, depth, references, cycles, expansion, patterns, the meta-schema of its dialect) run at
 * once, some 20 to 40 µs a subschema; only the compiling waits (some 0.3 ms a subschema, once), since a catalog of a thousand tools would
 * else cost seconds at start.
 */
export function createSchemaGate({ most = 2_000, uncompiled = () => undefined }: GateOptions = {}): GateSchema {
  const validators = new LRUCache<string, Validator>({ max: most })
  return (schema) => {
    const graph = readSchema(schema)
    if ('refused' in graph) return graph
    const source = schema as SchemaObject
    const judged = dialectOf(source)
    if (typeof judged !== 'string') return { refused: judged }
    const key = createHash('sha256').update(judged).update(graph.text).digest('base64url')
    const validate: Validator = (args) => {
      let validator = validators.get(key)
      if (validator === undefined) {
        validator = compileOrPass(source, graph, judged, uncompiled)
        validators.set(key, validator)
      }
      return validator(args)
    }
    return { validate, notes: notesOf(graph) }
  }
}

/** The gate with default limits. */
export const gateSchema: GateSchema = createSchemaGate()

function compileOrPass(schema: SchemaObject, graph: SchemaGraph, dialect: Dialect, uncompiled: (reason: string) => void): Validator {
  try {
    return compile(schema, graph, dialect)
  } catch (error) {
    uncompiled(error instanceof Error ? error.message : String(error))
    return () => []
  }
}

function notesOf(graph: SchemaGraph): readonly string[] {
  return [...graph.patterns]
    .filter((pattern) => !isEnforced(pattern))
    .map((pattern) => `the pattern ${pattern.slice(0, 80)} cannot be run in linear time and is not enforced`)
}

/** The dialect that the schema declares, or, where it declares none, the newest one whose meta-schema it fits. */
function dialectOf(schema: SchemaObject): Dialect | Refusal {
  const declared = declaredDialect(schema.$schema)
  if (declared !== undefined) return refusalBy(declared, schema) ?? declared
  const refusal = refusalBy('2020-12', schema)
  if (refusal === undefined) return '2020-12'
  // Much in the field is written by draft-07 (tuples as `items`) and says nothing.
  return refusalBy('draft-07', schema) === undefined ? 'draft-07' : refusal
}

function declaredDialect($schema: unknown): Dialect | undefined {
  if (typeof $schema !== 'string') return undefined
  if (/draft-0[67]\/schema/.test($schema)) return 'draft-07'
  if ($schema.includes('2019-09/schema')) return '2019-09'
  return $schema.includes('2020-12/schema') ? '2020-12' : undefined
}

const metaValidators = new Map<Dialect, ValidateFunction>()

function refusalBy(dialect: Dialect, schema: SchemaObject): Refusal | undefined {
  const metaValidator = metaValidatorOf(dialect)
  if (metaValidator(schema) === true) return undefined
  const error = metaValidator.errors?.[0]
  return { path: error?.instancePath ?? '', reason: `not valid by JSON Schema ${dialect}: ${error?.message ?? 'unknown'}` }
}

/** The compiled meta-schema. Its first use costs some 50 ms. */
function metaValidatorOf(dialect: Dialect): ValidateFunction {
  let metaValidator = metaValidators.get(dialect)
  if (metaValidator === undefined) {
    metaValidator = metaSchema(dialect)
    metaValidators.set(dialect, metaValidator)
  }
  return metaValidator
}

function metaSchema(dialect: Dialect): ValidateFunction {
  const options = { strict: false, validateFormats: false, logger: false, code: { optimize: false } } as const
  const ajv = dialect === 'draft-07' ? new Ajv(options) : dialect === '2019-09' ? new Ajv2019(options) : new Ajv2020(options)
  replaceEquality(ajv)
  const id = dialect === 'draft-07' ? 'http://json-schema.org/draft-07/schema' : `https://json-schema.org/draft/${dialect}/schema`
  const found = ajv.getSchema(id)
  if (found === undefined) throw new Error(`no meta-schema for ${dialect}`)
  return found
}
