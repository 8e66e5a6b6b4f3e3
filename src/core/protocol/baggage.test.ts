import { describe, expect, it } from 'vitest'
import * as fc from '../../../test/property.ts'
import { baggageValue, withBaggage } from './baggage.ts'

describe('baggage', () => {
  it.each([
    ['run.id=a', 'a'],
    ['x=1 , run.id = a%2Cb ;p=1;q , y=2', 'a,b'],
    ['run.id=a,run.id=b', 'a'],
    ['my.run.id=a', undefined],
    ['run.id', undefined],
    ['run.id=%zz', undefined],
    ['x=run.id=a', undefined],
    ['', undefined],
  ])('of %j the value is %j', (text, value) => {
    expect(baggageValue(text, 'run.id')).toBe(value)
  })

  it('takes an entry in place of all of its key, and leaves the others as they were', () => {
    expect(withBaggage(undefined, [['run.id', 'a b']])).toBe('run.id=a%20b')
    expect(withBaggage('', [['run.id', 'a']])).toBe('run.id=a')
    expect(
      withBaggage('x=1;p=2 ,run.id=old;p , y=%41,, run.id = older,turn.id=t,broken', [
        ['run.id', 'new'],
        ['turn.id', 't2'],
      ]),
    ).toBe('x=1;p=2,y=%41,broken,run.id=new,turn.id=t2')
  })

  it('leaves out whole entries where there is no more room, never its own', () => {
    const long = Array.from({ length: 3_000 }, (_, i) => `k${i}=v`).join(',')
    const made = withBaggage(long, [['run.id', 'r']])
    expect(made.length).toBeLessThanOrEqual(8_192)
    expect(made.endsWith(',run.id=r')).toBe(true)
    expect(long.startsWith(made.slice(0, -',run.id=r'.length))).toBe(true)
    expect(long[made.length - ',run.id=r'.length]).toBe(',')
    expect(withBaggage('x'.repeat(100_000), [['run.id', 'r']])).toBe('run.id=r')
  })

  it('gives back what was put in, whatever stands beside it', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 400 }), fc.string({ minLength: 1, maxLength: 128 }), (text, value) => {
        const made = withBaggage(text, [['run.id', value]])
        expect(baggageValue(made, 'run.id')).toBe(value)
      }),
    )
  })
})
