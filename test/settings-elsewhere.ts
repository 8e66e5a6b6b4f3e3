// The keys of the settings whose effect another test shows: which, and by what text it is found there.

export interface Elsewhere {
  /** Test file that shows it. */
  readonly file: string
  /** Text that the file must hold. */
  readonly mentions: string
}

export const elsewhere: Readonly<Record<string, Elsewhere>> = {
  'servers.NAME.sharing': { file: 'src/upstream/legacy/parking.test.ts', mentions: 'sharing' },
  'servers.NAME.interactive': { file: 'src/upstream/legacy/parking.test.ts', mentions: 'interactive' },
  'tools.NAME.idempotent': { file: 'test/promises/sending-again.test.ts', mentions: 'idempotent: false' },
  'tools.NAME.retry': { file: 'test/promises/sending-again.test.ts', mentions: "retry: 'never'" },
  'audit.retention': { file: 'src/operate/cli/audit.test.ts', mentions: 'retention' },
  access: { file: 'src/operate/cli/policy.test.ts', mentions: 'access' },
  'tls.cert': { file: 'test/promises/front-door.test.ts', mentions: 'tls.cert' },
  'tls.key': { file: 'test/promises/front-door.test.ts', mentions: 'tls.key' },
  'tls.clientCa': { file: 'test/promises/front-door.test.ts', mentions: 'tls.clientCa' },
  'vault.key': { file: 'src/platform/vault/keys.test.ts', mentions: 'reads vault.key' },
  'vault.previous': { file: 'src/platform/vault/keys.test.ts', mentions: 'vault.previous' },
  'auth.callers': { file: 'test/promises/caller-settings.test.ts', mentions: 'callers: [oauth, anonymous]' },
  'auth.issuers[].issuer': { file: 'test/promises/caller-settings.test.ts', mentions: 'several issuers' },
  'auth.issuers[].jwksUri': { file: 'test/promises/caller-settings.test.ts', mentions: 'jwksUri: `${idp.issuer}/none`' },
  'auth.issuers[].audience': { file: 'test/promises/caller-settings.test.ts', mentions: "audience: 'api://signalbox'" },
  'auth.issuers[].algorithms': { file: 'test/promises/caller-settings.test.ts', mentions: "algorithms: ['ES256']" },
  'auth.issuers[].claims.groups': { file: 'src/gateway/identity/claims.test.ts', mentions: "'realm_access.roles'" },
  'auth.issuers[].claims.scopes': { file: 'src/gateway/identity/claims.test.ts', mentions: "'permissions'" },
  'auth.issuers[].claims.tenant': { file: 'test/promises/caller-settings.test.ts', mentions: "tenant: 'org.id'" },
  'auth.issuers[].requireTyp': { file: 'test/promises/caller-settings.test.ts', mentions: 'requireTyp: false' },
  'auth.issuers[].dpop': { file: 'test/promises/caller-settings.test.ts', mentions: 'dpop: required' },
  'auth.maxTokenLifetime': { file: 'test/promises/caller-settings.test.ts', mentions: "maxTokenLifetime: '10m'" },
  'auth.embedded.enabled': { file: 'test/promises/authorization-server.test.ts', mentions: 'embedded: { enabled: true }' },
  'auth.embedded.dynamicRegistration': { file: 'src/authorization-server/registration.test.ts', mentions: 'dynamicRegistration: false' },
  'auth.embedded.login.oidc.issuer': { file: 'src/authorization-server/sign-in.test.ts', mentions: 'issuer: idp.issuer' },
  'auth.embedded.login.oidc.clientId': { file: 'src/authorization-server/sign-in.test.ts', mentions: "client_id: 'gateway'" },
  'auth.embedded.login.oidc.clientSecret': {
    file: 'src/authorization-server/sign-in.test.ts',
    mentions: "get('client_secret')).toBe('idp-secret-canary')",
  },
  'auth.embedded.login.oidc.scopes': { file: 'src/authorization-server/sign-in.test.ts', mentions: "scopes: ['openid', 'groups']" },
  'auth.embedded.login.oidc.groups': { file: 'src/authorization-server/sign-in.test.ts', mentions: "groups: 'realm_access.roles'" },
  'auth.embedded.idJag[].issuer': { file: 'src/authorization-server/assertions.test.ts', mentions: 'issuer: idp.issuer' },
  'auth.embedded.idJag[].jwksUri': { file: 'src/authorization-server/assertions.test.ts', mentions: 'jwksUri }] }' },
  'auth.embedded.idJag[].groups': { file: 'src/authorization-server/assertions.test.ts', mentions: "groups: 'roles'" },
  publicUrl: { file: 'test/promises/protected-resource.test.ts', mentions: 'publicUrl' },
  'sse.owner': { file: 'test/promises/transports.test.ts', mentions: "owner: 'team-blue'" },
  'sse.sunset': { file: 'test/promises/transports.test.ts', mentions: "sunset: '2027-03-31'" },
}
