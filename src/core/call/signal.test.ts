import { describe, expect, it } from 'vitest'
import { Switch } from './signal.ts'

describe('a switch', () => {
  it('tells each listener once, in order, with its reason in place', () => {
    const signal = new Switch()
    const told: unknown[] = []
    const first = (): void => void told.push(['first', signal.aborted, signal.reason])
    signal.addEventListener('abort', first)
    signal.addEventListener('abort', first)
    signal.addEventListener('abort', () => told.push('second'))
    signal.abort('deadline')
    signal.abort('drain')
    expect(told).toEqual([['first', true, 'deadline'], 'second'])
    expect(signal.reason).toBe('deadline')
  })

  it('does not tell who left, nor who comes too late', () => {
    const signal = new Switch()
    const told: string[] = []
    const gone = (): void => void told.push('gone')
    signal.addEventListener('abort', gone)
    signal.removeEventListener('abort', gone)
    signal.abort('x')
    signal.addEventListener('abort', () => told.push('late'))
    expect(told).toEqual([])
  })
})
