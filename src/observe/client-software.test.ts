import { expect, it } from 'vitest'
import { softwareOf } from './client-software.ts'

it.each([
  ['agent', 'node', 'node', 'unknown'],
  ['agent', 'python-httpx2/2.16.2', 'python-httpx2', '2.16.2'],
  ['agent', 'Go-http-client/1.1', 'Go-http-client', '1.1'],
  ['agent', 'Java-http-client/17.0.15', 'Java-http-client', '17.0.15'],
  ['agent', 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36', 'Mozilla', '5.0'],
  ['mcp', 'python-httpx2/2.16.2', 'mcp', '3.2'],
  ['agent', undefined, 'unknown', 'unknown'],
  ['agent', '', 'unknown', 'unknown'],
  ['agent', '(only a comment)', 'unknown', 'unknown'],
  ['agent', 'a\u0000b/1', 'unknown', 'unknown'],
  ['agent', 'x'.repeat(100_000), 'unknown', 'unknown'],
  ['agent', `${'x'.repeat(60)}/${'1'.repeat(300)}`, 'unknown', 'unknown'],
])('the client %s with %j is made with %s %s', (client, userAgent, name, version) => {
  expect(softwareOf(client, '3.2', userAgent)).toEqual({ name, version })
})

it('has no secret of a header', () => {
  const token = ['ghp', 'Qx7vT2mK9pLr4WzN8sYb3HdJ6fGc1AeUiOt5'].join('_')
  expect(JSON.stringify([softwareOf('a', '1', token), softwareOf('a', '1', `tool/${token}`)])).not.toContain(token)
})
