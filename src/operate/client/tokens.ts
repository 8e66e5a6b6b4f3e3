// The tokens of this person for the gateways that they signed in at: one file in their configuration folder that nobody else may read.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'

const kept = z.strictObject({
  accessToken: z.string(),
  refreshToken: z.string().optional(),
  /** Milliseconds since the epoch. */
  expiresAt: z.number().optional(),
  issuer: z.string(),
  clientId: z.string(),
  resource: z.string(),
})

const file = z.record(z.string(), kept)

export type KeptToken = z.infer<typeof kept>

type Env = Readonly<Record<string, string | undefined>>

function pathOf(env: Env): string {
  return join(env.XDG_CONFIG_HOME || join(homedir(), '.config'), 'signalbox', 'tokens.json')
}

/** What cannot be read is as if there were none: a new sign-in makes it anew. */
function readAll(env: Env): Record<string, KeptToken> {
  try {
    return file.parse(JSON.parse(readFileSync(pathOf(env), 'utf8')))
  } catch {
    return {}
  }
}

export function tokenFor(url: string, env: Env): KeptToken | undefined {
  const all = readAll(env)
  return Object.hasOwn(all, url) ? all[url] : undefined
}

/** Undefined forgets it. Gives the path of the file. */
export function keepToken(url: string, token: KeptToken | undefined, env: Env): string {
  const path = pathOf(env)
  const { [url]: _, ...others } = readAll(env)
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  // A reader sees the old file or the new one.
  const next = `${path}.${process.pid}`
  writeFileSync(next, `${JSON.stringify(token === undefined ? others : { ...others, [url]: token }, null, 2)}\n`, { mode: 0o600 })
  renameSync(next, path)
  return path
}
