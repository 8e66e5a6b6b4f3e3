// Settings of where state is kept. A leaf: it imports the schema library and nothing of ours.
import { z } from 'zod'

export const storeSettings = z.strictObject({
  durable: z
    .string()
    // What is wrong with an address is said where the settings are checked as a whole.
    .refine((text) => text === 'sqlite' || /^postgres(ql)?:\/\//.test(text), {
      error: 'is neither `sqlite` nor an address that begins with postgres://',
    })
    .default('sqlite')
    .describe(
      'What outlives a restart: `sqlite`, a file in `stateDir`, or a PostgreSQL database (13 or newer) that gateways of several machines share: `postgres://USER:PASSWORD@HOST:PORT/DATABASE`, special characters as `%…`, best by reference. `?sslmode=` is `disable`, `require` (nobody checks who the server is), `verify-ca` or `verify-full` (the default beyond this machine), `&sslrootcert=` a file with the certificates of who vouches for it. The keys of what is sealed stay in `stateDir`; gateways that share a database need the same `vault.key`.',
    ),
})
