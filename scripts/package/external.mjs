// What the bundle does not contain, but finds beside it when it runs.

/** Found by path from threads, or compiled for each platform (src/platform). */
export const keptPackages = ['@photostructure/sqlite', 'gpt-tokenizer']

/** Clients of clouds, which a user installs who needs them (`peerDependencies`), and parts that libraries use only where they are there. */
const optional = ['@aws-sdk/', '@azure/', '@smithy/', 'google-auth-library', 'pg-native']

export function isExternal(id) {
  if (id.startsWith('node:')) return true
  return keptPackages.some((name) => id === name || id.startsWith(`${name}/`)) || optional.some((name) => id.startsWith(name))
}
