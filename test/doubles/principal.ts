// A principal for tests, whole but for what the test is about.
import { anonymous, type Principal } from '../../src/core/call/principal.ts'

export function aPrincipal(change: Partial<Principal> = {}): Principal {
  return { ...anonymous, iss: 'https://id.example', sub: 'alice', kind: 'user', method: 'oauth', ...change }
}
