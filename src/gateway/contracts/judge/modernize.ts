// Older drafts of JSON Schema written as 2020-12.
import { isObject } from '../../../core/protocol/is-object.ts'

/** Whether the document says that it is of a draft before 2019-09: there a reference stands for the whole schema. */
export function speaksOlder(root: Readonly<Record<string, unknown>>): boolean {
  return typeof root.$schema === 'string' && /draft-0[34567]\//.test(root.$schema)
}

/** Unknown before 2019-09. */
const newer = ['dependentRequired', 'dependentSchemas', 'unevaluatedItems', 'unevaluatedProperties', 'minContains', 'maxContains'] as const

/** One schema, not what is in it. Much in the field is written by draft-07 and does not say so: its forms are read everywhere. */
export function modernize(raw: Readonly<Record<string, unknown>>, older: boolean): Record<string, unknown> {
  if (older && typeof raw.$ref === 'string') return { $ref: raw.$ref }
  const out = { ...raw }
  if (older) for (const key of [...newer, 'prefixItems']) delete out[key]
  items(out)
  dependencies(out)
  exclusive(out, 'minimum', 'exclusiveMinimum')
  exclusive(out, 'maximum', 'exclusiveMaximum')
  if ('const' in out) {
    // Where there is an enumeration as well both hold.
    if (Array.isArray(out.enum)) out.allOf = [...(Array.isArray(out.allOf) ? out.allOf : []), { enum: [out.const] }]
    else out.enum = [out.const]
    delete out.const
  }
  if (out.nullable === true && out.type !== undefined) {
    const types = Array.isArray(out.type) ? out.type : [out.type]
    if (!types.includes('null')) out.type = [...types, 'null']
  }
  return out
}

function items(out: Record<string, unknown>): void {
  if (Array.isArray(out.items)) {
    const list = out.items
    delete out.items
    if (list.length > 0) out.prefixItems = list
    if (out.additionalItems !== undefined) out.items = out.additionalItems
  }
  if (Array.isArray(out.prefixItems) && out.prefixItems.length === 0) delete out.prefixItems
}

function dependencies(out: Record<string, unknown>): void {
  if (!isObject(out.dependencies)) return
  const required = Object.entries(out.dependencies).filter(([, one]) => Array.isArray(one))
  const schemas = Object.entries(out.dependencies).filter(([, one]) => !Array.isArray(one))
  const both = (keyword: string, entries: [string, unknown][]): void => {
    if (entries.length === 0) return
    const own = out[keyword]
    // Two that are about one name both hold.
    if (isObject(own) && entries.some(([name]) => Object.hasOwn(own, name))) {
      out.allOf = [...(Array.isArray(out.allOf) ? out.allOf : []), { [keyword]: Object.fromEntries(entries) }]
    } else out[keyword] = Object.fromEntries([...(isObject(own) ? Object.entries(own) : []), ...entries])
  }
  both('dependentRequired', required)
  both('dependentSchemas', schemas)
}

/** In draft-04 exclusiveness was a flag beside the bound. */
function exclusive(out: Record<string, unknown>, bound: string, flag: string): void {
  if (typeof out[flag] !== 'boolean') return
  if (out[flag] === true && typeof out[bound] === 'number') {
    out[flag] = out[bound]
    delete out[bound]
  } else delete out[flag]
}
