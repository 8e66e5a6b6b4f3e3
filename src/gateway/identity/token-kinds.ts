// The ways in which tokens are checked here, in the order in which they are asked whether a token is theirs.
import { inBackground } from '../../core/ports/boundary.ts'
import { isApiKey } from './api-key-store.ts'
import { apiKeys } from './api-keys.ts'
import { refused } from './checked.ts'
import { introspectedTokens } from './introspection.ts'
import { trustedIssuers } from './issuers.ts'
import { jwtTokens } from './jwt.ts'
import type { CallersParts } from './parts.ts'
import type { TokenKind } from './token-kind.ts'

export function tokenKinds(parts: CallersParts, methods: ReadonlySet<string>): readonly TokenKind[] {
  const { settings, profile, address, clock, report, fetch } = parts
  const maxLifetimeMs = profile === 'production' ? settings.maxTokenLifetime : undefined
  const oauth = methods.has('oauth')
  const kinds: TokenKind[] = []
  if (methods.has('apiKey')) kinds.push(apiKeys(parts.apiKeys, clock, (work) => inBackground(report, 'store', work)))
  if (oauth || methods.has('platform')) {
    const issuers = trustedIssuers({
      settings: oauth ? settings : { ...settings, issuers: [] },
      issuers: parts.issuers,
      local: oauth ? parts.local : undefined,
      platform: methods.has('platform') ? parts.platform : undefined,
    })
    kinds.push(jwtTokens({ address, clock, maxLifetimeMs }, issuers))
  }
  if (oauth && settings.introspection.length > 0) {
    kinds.push(introspectedTokens({ settings: settings.introspection, address, fetch, clock, report, maxLifetimeMs }))
  }
  // A key is shown to no issuer, even where keys are not taken.
  return kinds.length === 0 || methods.has('apiKey') ? kinds : [keysRefused, ...kinds]
}

const keysRefused: TokenKind = {
  takes: ({ token }) => isApiKey(token),
  check: async () => refused('it is an API key, and none is taken here'),
}
