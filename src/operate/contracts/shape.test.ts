import { describe, expect, it } from 'vitest'
import { shapeDifferences, valueDifferences } from './shape.ts'

describe('where the shapes of two results differ', () => {
  it.each([
    [{ a: 1 }, { a: 2 }, []],
    [{ a: 1 }, { a: '1' }, [{ pointer: '/a', from: 'number', to: 'string' }]],
    [{ a: 1 }, {}, [{ pointer: '/a', from: 'number' }]],
    [{}, { 'a/b': null }, [{ pointer: '/a~1b', to: 'null' }]],
    // What is below something that differs is not told again.
    [{ a: { b: { c: 1 } } }, {}, [{ pointer: '/a', from: 'object' }]],
    [{ a: { b: 1 } }, { a: 'text' }, [{ pointer: '/a', from: 'object', to: 'string' }]],
    // Of lists the elements together; an empty one says nothing of them.
    [[{ a: 1 }, { a: 2 }], [{ a: 3 }], []],
    [[{ a: 1 }], [], []],
    [{ rows: [] }, { rows: [{ a: 1 }] }, []],
    [[{ a: 1 }], [{ a: 1 }, { a: 'x' }], [{ pointer: '/*/a', from: 'number', to: 'number or string' }]],
    [
      [{ a: 1 }],
      [{ b: 1 }],
      [
        { pointer: '/*/a', from: 'number' },
        { pointer: '/*/b', to: 'number' },
      ],
    ],
    ['x', 'y', []],
    [null, undefined, [{ pointer: '', from: 'null', to: 'undefined' }]],
  ])('%j and %j', (from, to, expected) => expect(shapeDifferences(from, to)).toEqual(expected))

  it('is found within bounds, however deep and large a result is', () => {
    let deep: unknown = 1
    for (let i = 0; i < 10_000; i += 1) deep = [deep]
    expect(shapeDifferences(deep, deep)).toEqual([])
    expect(valueDifferences(deep, deep)).toEqual([])
    const wide = Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`k${n}`, n]))
    expect(valueDifferences(wide, Object.fromEntries(Object.keys(wide).map((key) => [key, -1]))).length).toBeLessThanOrEqual(20_000)
  })
})

describe('where values of one shape differ', () => {
  it.each([
    [{ a: 1, b: [1, 2] }, { a: 1, b: [1, 3] }, [{ pointer: '/b/1', from: '2', to: '3' }]],
    [[1], [1, 2], [{ pointer: '', from: '1 elements', to: '2 elements' }]],
    [{ a: 1 }, { a: '1', b: 2 }, []],
  ])('%j and %j', (from, to, expected) => expect(valueDifferences(from, to)).toEqual(expected))
})
