// Whether a token is of now, and lives no longer than it may.

/** Seconds by which clocks may differ. */
export const skew = 5

export interface TokenTimes {
  /** Seconds since the epoch, as RFC 7519 §2 has them. */
  readonly exp: number
  readonly iat?: number | undefined
  readonly nbf?: number | undefined
}

/** Why it is not good at `now`; completes "the access token …". */
export function unfitTimes({ exp, iat, nbf }: TokenTimes, now: number, maxLifetimeMs: number | undefined): string | undefined {
  if (exp <= now - skew) return 'it has expired'
  if (nbf !== undefined && nbf > now + skew) return 'it is not valid yet'
  if (iat !== undefined && iat > now + skew) return 'it is of the future'
  if (maxLifetimeMs === undefined) return undefined
  return (exp - (iat ?? now)) * 1_000 > maxLifetimeMs ? 'it lives longer than `auth.maxTokenLifetime` allows' : undefined
}
