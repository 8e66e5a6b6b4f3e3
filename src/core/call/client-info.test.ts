import { expect, it } from 'vitest'
import { withoutSecretsOf } from './client-info.ts'
import { isRunId } from './run.ts'

const token = `ghp_${'aZ3kQ9xV7bN2mW8pR5tY1uE6cD4gH0jLaZ3k'}`

it('a client is kept by its name, without a secret that is in it', () => {
  const plain = { name: 'claude-desktop', version: '1.2.3' }
  expect(withoutSecretsOf(plain)).toBe(plain)
  expect(withoutSecretsOf({ name: `agent ${token}`, version: token, title: 'An agent' })).toEqual({
    name: 'agent [redacted:github_token]',
    version: '[redacted:github_token]',
    title: 'An agent',
  })
})

it('what holds a secret is no id of a run', () => {
  expect(isRunId('7c9e6679-7425-40de-944b-e07fc1f90ae7')).toBe(true)
  expect(isRunId(`run ${token}`)).toBe(false)
})
