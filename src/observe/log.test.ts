import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { createLog } from './log.ts'

function logged(format: 'human' | 'json', event: string, fields: Readonly<Record<string, unknown>>): string {
  const lines: string[] = []
  const target = { write: (line: string) => void lines.push(line) }
  createLog({ format, level: 'info', calls: true }, (line) => line, new ManualClock(), target).log('info', event, fields)
  return lines.join('')
}

const evil = '\u001b]0;owned\u0007\u001b[2J\u009b31m\u202egnp\u2066\u0008'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there.
const driving = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/

describe('the log for people', () => {
  it('does not drive the terminal of its reader, whatever a peer is called or says', () => {
    const text = logged('human', `said ${evil}\nnext`, { bare: evil, spaced: `a ${evil}\r\nb`, nested: { [evil]: [evil] } })
    expect(text).not.toMatch(driving)
    expect(text.split('\n')).toHaveLength(2)
    expect(text).toContain('bare=\\u001b]0;owned')
  })

  it('keeps its line in JSON too, and the value as it was', () => {
    const text = logged('json', 'said', { bare: `${evil}\n` })
    expect(text.split('\n')).toHaveLength(2)
    expect(JSON.parse(text)).toMatchObject({ bare: `${evil}\n`, event: 'said' })
  })
})

it.each(['human', 'json'] as const)('what others said stands there without the secrets in it: %s', (format) => {
  const token = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jL5tY1'}`
  const text = logged(format, 'A server said', {
    says: `with ${token} and postgres://app:hunter22x@db.internal/x`,
    credential: 'client gateway',
  })
  expect(text).not.toContain(token)
  expect(text).not.toContain('hunter22x')
  expect(text).toContain('[secret masked: github_token]')
  expect(text).toContain('client gateway')
})
