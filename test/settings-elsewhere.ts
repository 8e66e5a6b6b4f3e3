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
  access: { file: 'src/operate/cli/policy.test.ts', mentions: 'access' },
  'vault.key': { file: 'src/platform/vault/keys.test.ts', mentions: 'reads vault.key' },
  'vault.previous': { file: 'src/platform/vault/keys.test.ts', mentions: 'vault.previous' },
  publicUrl: { file: 'test/promises/protected-resource.test.ts', mentions: 'publicUrl' },
  'sse.owner': { file: 'test/promises/transports.test.ts', mentions: "owner: 'team-blue'" },
  'sse.sunset': { file: 'test/promises/transports.test.ts', mentions: "sunset: '2027-03-31'" },
}
