import { describe, expect, it } from 'vitest'
import type { ClientCapabilities } from './call.ts'
import { lacking, refusalFor } from './client-refusal.ts'

const form = { message: 'x', requestedSchema: {} }
const url = { ...form, mode: 'url' }

function refused(capabilities: ClientCapabilities, method: string, params?: unknown): string | undefined {
  const lack = lacking(capabilities, method, params)
  if (lack === undefined) return undefined
  const { code, message } = refusalFor(capabilities, method, lack)
  return `${lack} ${code} ${message}`
}

describe('what a client did not declare it cannot be asked', () => {
  it('where it has no such method, that is the error', () => {
    expect(refused({}, 'roots/list')).toBe('roots -32601 Client does not support roots')
    expect(refused({}, 'sampling/createMessage', { tools: [] })).toBe('sampling -32601 Client does not support sampling')
    expect(refused({}, 'elicitation/create', form)).toBe('elicitation -32601 Client does not support elicitation')
    expect(refused({}, 'elicitation/create', url)).toBe('elicitation.url -32601 Client does not support URL-mode elicitation')
    expect(refused({ roots: {} }, 'tasks/list')).toBe('tasks/list -32601 Client does not support tasks/list')
  })

  it('where it has the method in another mode, the params are wrong', () => {
    expect(refused({ elicitation: {} }, 'elicitation/create', url)).toBe(
      'elicitation.url -32602 Client does not support URL-mode elicitation',
    )
    expect(refused({ elicitation: { form: {} } }, 'elicitation/create', url)).toMatch(/^elicitation.url -32602/)
    expect(refused({ elicitation: { url: {} } }, 'elicitation/create', form)).toMatch(/^elicitation.form -32602/)
    expect(refused({ sampling: {} }, 'sampling/createMessage', { toolChoice: {} })).toBe(
      'sampling.tools -32602 Client does not support sampling with tools',
    )
  })

  it('it is asked what it declared; a bare elicitation means forms', () => {
    expect(refused({ elicitation: {} }, 'elicitation/create', form)).toBeUndefined()
    expect(refused({ elicitation: { form: {}, url: {} } }, 'elicitation/create', form)).toBeUndefined()
    expect(refused({ elicitation: { url: {} } }, 'elicitation/create', url)).toBeUndefined()
    expect(refused({ sampling: { tools: {} } }, 'sampling/createMessage', { tools: [] })).toBeUndefined()
    expect(refused({ roots: {} }, 'roots/list')).toBeUndefined()
  })
})
