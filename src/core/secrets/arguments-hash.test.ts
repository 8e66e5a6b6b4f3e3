import { describe, expect, it } from 'vitest'
import { argumentsHash, argumentsKey } from './arguments-hash.ts'

const key = argumentsKey(Buffer.alloc(32, 1))
const hash = (text: string, by = key): string => argumentsHash(Buffer.from(text), by)

describe('the digest of arguments', () => {
  it.each([
    ['the order of members', '{"a":1,"b":{"c":[1,2],"d":"x"}}', '{"b":{"d":"x","c":[1,2]},"a":1}'],
    ['spaces', '{"a":[1,{"b":null}]}', ' {\n\t"a" : [ 1 , { "b" : null } ] }\r\n'],
    ['escapes', '{"é/":"a\\u0062\\/"}', '{"\\u00e9\\/":"ab/"}'],
    ['a pair of surrogates', '"😀"', '"\\ud83d\\ude00"'],
  ])('is the same whatever %s', (_what, one, other) => {
    expect(hash(one)).toBe(hash(other))
    expect(hash(one)).toMatch(/^hmac-sha256:[\w-]{43}$/)
  })

  it('differs where the value does, or the key of the installation', () => {
    const texts = ['{"a":1}', '{"a":"1"}', '{"a":[1]}', '{"a":2}', '{"b":1}', '{}', '[]', '', '{"a":1,"a":2}', '{"a":2,"a":1}', '{"a":1']
    const large = ['9007199254740993', '9007199254740992']
    expect(new Set([...texts, ...large].map((text) => hash(text))).size).toBe(texts.length + large.length)
    expect(hash('{"a":1}', argumentsKey(Buffer.alloc(32, 2)))).not.toBe(hash('{"a":1}'))
  })

  it.each([
    ['deep', `${'{"a":'.repeat(500)}1${'}'.repeat(500)}`],
    ['too deep', '['.repeat(100_000)],
    ['long', JSON.stringify({ a: 'x'.repeat(1_048_576) })],
    ['wide', JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${50_000 - n}`, n])))],
    ['of lone surrogates', '"\\ud83d"'],
  ])('is made of what is %s', (_what, text) => {
    expect(hash(text)).toMatch(/^hmac-sha256:[\w-]{43}$/)
  })
})
