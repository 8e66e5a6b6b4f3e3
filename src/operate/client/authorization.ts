// What a command shows a gateway of the person who runs it: a token that they gave, or that of their last sign-in, renewed in time.
import { systemClock } from '../../platform/clock/system-clock.ts'
import { keepToken, tokenFor } from './tokens.ts'

/**
 * Headers by which the person is known; empty where they have not signed in. `otherwise`: where no token was given; '' where the address may
 * be anybody's, since that of the environment is for a gateway.
 */
export async function authorizationFor(
  url: string,
  token: string | undefined,
  otherwise = process.env.SIGNALBOX_TOKEN,
): Promise<Record<string, string>> {
  const given = token ?? otherwise
  if (given !== undefined && given !== '') return { authorization: `Bearer ${given}` }
  const kept = tokenFor(url, process.env)
  if (kept === undefined) return {}
  if (kept.expiresAt === undefined || kept.expiresAt - systemClock.now() > aheadMs) return { authorization: `Bearer ${kept.accessToken}` }
  const { renew } = await import('./sign-in.ts')
  try {
    const renewed = await renew(url, kept)
    keepToken(url, renewed, process.env)
    return { authorization: `Bearer ${renewed.accessToken}` }
  } catch {
    // The gateway says what is the matter.
    return { authorization: `Bearer ${kept.accessToken}` }
  }
}

const aheadMs = 30_000
