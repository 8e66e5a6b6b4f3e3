// Which dialect of JSON Schema a schema is judged by, and which of its keywords that dialect does not know in this form.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { unescapeToken } from '../../core/protocol/json-pointer.ts'
import { replaceEquality } from './compile.ts'
import type { Dialect, SchemaGraph, SchemaObject, Unenforced } from './schema-graph.ts'

export interface Judged {
  readonly dialect: Dialect
  /** What is no keyword of the dialect in this form. */
  readonly unenforced: readonly Unenforced[]
}

/** By the dialect that the schema declares; where it declares none that is known, by the newest that it fits, or fits best. */
export function judge(schema: SchemaObject, graph: SchemaGraph): Judged {
  const by = (dialect: Dialect): Judged => ({ dialect, unenforced: misfits(dialect, schema, graph) })
  const declared = declaredDialect(schema.$schema)
  if (declared !== undefined) return by(declared)
  const newest = by('2020-12')
  if (newest.unenforced.length === 0) return newest
  // Much in the field is written by draft-07 (tuples as `items`) and says nothing.
  const older = by('draft-07')
  return older.unenforced.length < newest.unenforced.length ? older : newest
}

function declaredDialect($schema: unknown): Dialect | undefined {
  if (typeof $schema !== 'string') return undefined
  if (/draft-0[67]\/schema/.test($schema)) return 'draft-07'
  if ($schema.includes('2019-09/schema')) return '2019-09'
  return $schema.includes('2020-12/schema') ? '2020-12' : undefined
}

function misfits(dialect: Dialect, schema: SchemaObject, graph: SchemaGraph): readonly Unenforced[] {
  if (metaValidatorOf(dialect, false)(schema) === true) return []
  const all = metaValidatorOf(dialect, true)
  all(schema)
  const found = new Map<string, Unenforced>()
  for (const error of innermost(all.errors ?? [])) {
    const misfit = misfitOf(schema, graph, error, dialect)
    if (!found.has(misfit.path)) found.set(misfit.path, misfit)
  }
  return [...found.values()]
}

/** Where a choice of the meta-schema fails, the error that lies deepest tells what is wrong. */
function innermost(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const outer = new Set<string>()
  for (const { instancePath } of errors) {
    for (
      let at = instancePath.lastIndexOf('/');
      at > 0 && !outer.has(instancePath.slice(0, at));
      at = instancePath.lastIndexOf('/', at - 1)
    ) {
      outer.add(instancePath.slice(0, at))
    }
  }
  return errors.filter(({ instancePath }) => !outer.has(instancePath))
}

/** The keyword, in the innermost schema, that an error of the meta-schema is about. */
function misfitOf(root: SchemaObject, graph: SchemaGraph, { instancePath, message }: ErrorObject, dialect: Dialect): Unenforced {
  const tokens = instancePath.split('/').slice(1).map(unescapeToken)
  let value: unknown = root
  let schema = root
  let depth = 0
  for (const [index, token] of tokens.entries()) {
    value = (value as Record<string, unknown>)[token]
    if (index === tokens.length - 1 || !graph.schemas.has(value as SchemaObject)) continue
    schema = value as SchemaObject
    depth = index + 1
  }
  const keyword = tokens[depth] ?? ''
  const entry = holdsSchemas.has(keyword) ? tokens[depth + 1] : undefined
  return { schema, keyword, entry, path: instancePath, reason: `it is not valid by JSON Schema ${dialect}: ${message ?? 'unknown'}` }
}

/** Keywords of which one entry alone can be left out. */
const holdsSchemas: ReadonlySet<string> = new Set([
  ...['properties', 'patternProperties', '$defs', 'definitions', 'dependentSchemas', 'dependencies'],
  ...['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'],
])

const metaValidators = new Map<string, ValidateFunction>()

/** The compiled meta-schema. Its first use costs some 50 ms. `allErrors`: only where a schema does not fit. */
function metaValidatorOf(dialect: Dialect, allErrors: boolean): ValidateFunction {
  const key = `${dialect} ${allErrors}`
  let metaValidator = metaValidators.get(key)
  if (metaValidator === undefined) {
    metaValidator = metaSchema(dialect, allErrors)
    metaValidators.set(key, metaValidator)
  }
  return metaValidator
}

function metaSchema(dialect: Dialect, allErrors: boolean): ValidateFunction {
  const options = { allErrors, strict: false, validateFormats: false, logger: false, code: { optimize: false } } as const
  const ajv = dialect === 'draft-07' ? new Ajv(options) : dialect === '2019-09' ? new Ajv2019(options) : new Ajv2020(options)
  replaceEquality(ajv)
  const id = dialect === 'draft-07' ? 'http://json-schema.org/draft-07/schema' : `https://json-schema.org/draft/${dialect}/schema`
  const found = ajv.getSchema(id)
  if (found === undefined) throw new Error(`no meta-schema for ${dialect}`)
  return found
}
