import { describe, expect, it } from 'vitest'
import { locate } from './locate.ts'

const find = (text: string, ...path: string[]) => {
  const found = locate(Buffer.from(text), path)
  return found === undefined ? undefined : Buffer.from(found).toString('utf8')
}

describe('a value is found by its path', () => {
  it('byte for byte', () => expect(find(' {"a":{"b" : 9007199254740993 ,"c":[1, 2]}}', 'a', 'b')).toBe('9007199254740993'))
  it('or not at all', () =>
    expect([find('{"a":1}', 'b'), find('{"a":1}', 'a', 'b'), find('[1]', '0')]).toEqual([undefined, undefined, undefined]))
  it('and of several the one that JSON.parse takes', () => expect(find('{"a":{"b":1},"\\u0061":{"b":2,"b":3}}', 'a', 'b')).toBe('3'))
})
