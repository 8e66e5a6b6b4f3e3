// Settings of the vault. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'

const key = z.string().refine((text) => /^([0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)\s*$/i.test(text), {
  error: 'is not 32 bytes in base64 or hex; make one with `openssl rand -base64 32`',
})

export const vaultSettings = z.strictObject({
  key: key
    .optional()
    .describe(
      'Key under which secrets are kept: 32 bytes in base64 or hex, for example `${file:/run/secrets/vault.key}`. Default: `vault.key` of `stateDir`, made at the first start. Gateways that share a store need the same.',
    ),
  previous: z
    .array(key)
    .default([])
    .describe(
      'Keys that `key` has replaced. They open what is kept, which is brought under `key` while the gateway runs; then they can go.',
    ),
})
