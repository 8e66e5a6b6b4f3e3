import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../test/doubles/manual-clock.ts'
import { Redaction } from '../core/secrets/redaction.ts'
import { createLog } from './log.ts'

function logged(format: 'human' | 'json', event: string, fields: Readonly<Record<string, unknown>>): string {
  const lines: string[] = []
  const target = { write: (line: string) => void lines.push(line) }
  createLog({ format, level: 'info' }, (line) => line, new ManualClock(), target).log('info', event, fields)
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
  expect(text).toContain('[redacted:github_token]')
  expect(text).toContain('client gateway')
})

describe('what configuration says is redacted', () => {
  const lines = (
    call: boolean,
    fields: Readonly<Record<string, unknown>>,
    keys: string[] = [],
    patterns: string[] = [],
  ): Record<string, unknown> => {
    const written: string[] = []
    const target = { write: (line: string) => void written.push(line) }
    const settings = { format: 'json', level: 'info' } as const
    const sink = createLog(settings, (line) => line, new ManualClock(), target, new Redaction({ keys, patterns }))
    sink[call ? 'call' : 'log']('info', 'said', fields)
    return JSON.parse(written.join('')) as Record<string, unknown>
  }

  it.each([true, false])('by name and by pattern, at any depth, without breaking the line (of a call: %s)', (call) => {
    const fields = {
      customerNo: 7,
      text: 'of CUST-12 "quoted"',
      nested: { list: ['CUST-1', { 'customer-no': 'x' }] },
      kept: 1,
      gone: undefined,
    }
    expect(lines(call, fields, ['customer_no'], ['CUST-.*'])).toMatchObject({
      customerNo: '[redacted:configured]',
      text: 'of [redacted:configured]',
      nested: { list: ['[redacted:configured]', { 'customer-no': '[redacted:configured]' }] },
      kept: 1,
    })
  })

  it('and personal data in texts of several words, where the line is no call’s', () => {
    const fields = { says: 'no user anna@example.org here', subject: 'anna@example.org' }
    expect(lines(false, fields)).toMatchObject({ says: 'no user [redacted:email] here', subject: 'anna@example.org' })
    expect(lines(true, fields)).toMatchObject(fields)
  })
})
