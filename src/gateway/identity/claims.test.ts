import { describe, expect, it } from 'vitest'
import type { Principal } from '../../core/call/principal.ts'
import { mapClaims } from './claims.ts'
import type { ClaimSettings } from './settings.ts'

const base = { iss: 'https://idp.example', sub: 'alice', exp: 2_000_000_000, jti: 't1' }

function principal(claims: Record<string, unknown>, settings: Partial<ClaimSettings> = {}): Principal {
  const mapped = mapClaims({
    claims: { ...base, ...claims },
    settings: { groups: 'groups', ...settings },
    method: 'oauth',
    digest: 'd'.repeat(43),
  })
  if ('refused' in mapped) throw new Error(mapped.refused)
  return mapped.principal
}

describe('claims of a token', () => {
  it.each([
    ['a list', { groups: ['a', 'b'] }, 'groups', ['a', 'b']],
    ['one text, which is one group', { groups: 'team one' }, 'groups', ['team one']],
    ['a path with dots', { realm_access: { roles: ['admin'] } }, 'realm_access.roles', ['admin']],
    ['a name with dots', { 'https://app.example/roles': ['x'] }, 'https://app.example/roles', ['x']],
    ['a path through a name with dots', { 'kubernetes.io': { namespace: 'ci' } }, 'kubernetes.io.namespace', ['ci']],
    ['nothing where the path leads nowhere', { realm_access: 'x' }, 'realm_access.roles', []],
    ['nothing of what is no text', { groups: [1, null, { a: 1 }, 'a', '', 'a'] }, 'groups', ['a']],
    ['nothing of what every object has', {}, 'constructor.name', []],
  ])('groups: %s', (_what, claims, groups, expected) => {
    expect(principal(claims, { groups }).groups).toEqual(expected)
  })

  it.each([
    [{ scope: 'a b  c' }, undefined, ['a', 'b', 'c']],
    [{ scp: ['a', 'b'] }, undefined, ['a', 'b']],
    [{ scp: 'a b' }, undefined, ['a', 'b']],
    [{ scope: 'a', scp: 'b' }, undefined, ['a']],
    [{ permissions: ['read:x'], scope: 'a' }, 'permissions', ['read:x']],
  ])('scopes of %j by %s', (claims, scopes, expected) => {
    expect(principal(claims, scopes === undefined ? {} : { scopes }).scopes).toEqual(expected)
  })

  it('the tenant by its claim, and a token without it belongs to nobody', () => {
    expect(principal({}).tenant).toBe('default')
    expect(principal({ tid: 'acme' }, { tenant: 'tid' }).tenant).toBe('acme')
    expect(() => principal({}, { tenant: 'tid' })).toThrow('it names no tenant')
  })

  it('the run that it was issued for and the team whose cost it is, by their claims alone', () => {
    const claims = { run: 'r-1', team: 'blue', task: { id: 'r-2' }, department: 'red' }
    expect(principal(claims)).toMatchObject({ run: undefined, team: undefined })
    expect(principal(claims, { run: 'task.id', team: 'department' })).toMatchObject({ run: 'r-2', team: 'red' })
    for (const unfit of ['', 7, null, ['r'], 'r'.repeat(129), 'a\nb']) {
      expect(principal({ run: unfit }, { run: 'run' }).run, JSON.stringify(unfit)).toBeUndefined()
    }
  })

  it('the client, the kind and the id of the credential, as issuers write them', () => {
    expect(principal({ client_id: 'c' })).toMatchObject({ clientId: 'c', kind: 'user', credential: 't1' })
    expect(principal({ azp: 'c', sub: 'c' })).toMatchObject({ clientId: 'c', kind: 'service' })
    expect(principal({ appid: 'c', idtyp: 'app', jti: undefined, uti: 'u1' })).toMatchObject({
      clientId: 'c',
      kind: 'service',
      credential: 'u1',
    })
    expect(principal({ jti: undefined }).credential).toBe(`sha256:${'d'.repeat(16)}`)
  })

  it('who acts for the subject, the nearest first and not without end', () => {
    expect(principal({ act: { sub: 'gateway', act: { sub: 'agent' } } }).actors).toEqual(['gateway', 'agent'])
    let act: unknown
    for (let i = 0; i < 20; i += 1) act = { sub: `a${i}`, act }
    expect(principal({ act }).actors).toHaveLength(8)
  })
})
