import fc from 'fast-check'
import { it } from 'vitest'
import { createSchemaGate } from './schema-gate.ts'
it('x', () => {
  const keyword = fc.constantFrom('type', '$ref', 'properties', 'items', 'anyOf', 'pattern', '$id', 'enum', 'not', 'required', 'id', '$async', 'nullable','$anchor','$dynamicAnchor','$dynamicRef','additionalProperties','const','dependencies','if','then','unevaluatedProperties','prefixItems','contains','minContains','$schema','$recursiveRef','default','format','discriminator','minimum','uniqueItems','$defs','propertyNames','$comment','$vocabulary','contentSchema','patternProperties')
  const value0 = fc.constantFrom('#', '#/properties', 'object', 'string', true, false, 1, 0, null, 'a', '^a', 'http://x/y', '#a', 'a', ['string'], ['a'], {}, [])
  const schema = fc.letrec((tie) => ({
    node: fc.oneof({ depthSize: 'medium' }, fc.dictionary(keyword, tie('value'), { maxKeys: 5 }), fc.constant({ type: 'object' })),
    value: fc.oneof({ depthSize: 'medium' }, value0, tie('node'), fc.array(tie('node'), { maxLength: 3 }), fc.dictionary(fc.constantFrom('a', 'b', '__proto__', 'x/y'), tie('node'), { maxKeys: 3 })),
  })).node
  const reasons = new Map<string, [number, string]>()
  let taken = 0
  let refused = 0
  for (const candidate of fc.sample(schema, 30000)) {
    const g = createSchemaGate({ uncompiled: (r) => reasons.set(r, [(reasons.get(r)?.[0] ?? 0) + 1, JSON.stringify(candidate).slice(0, 200)]) })(candidate)
    if ('refused' in g) { refused++; continue }
    taken++
    try { for (const a of [{}, { a: 1, b: 'x' }, { a: { a: {} }, b: ['a', {}] }]) g.validate(a) } catch (e) { console.log('THROW', e, JSON.stringify(candidate)) }
  }
  console.log(taken, refused, [...reasons])
}, 300000)
