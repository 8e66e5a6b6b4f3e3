// The library behind the authorization server, loaded when the first request comes for it.
import type * as errors from 'oidc-provider/lib/helpers/errors.js'
import type * as dpop from 'oidc-provider/lib/helpers/validate_dpop.js'
import type { Provider } from 'oidc-provider/lib/provider.js'

export interface Library {
  readonly Provider: typeof Provider
  readonly errors: typeof errors
  readonly dpop: typeof dpop
}

export async function loadLibrary(): Promise<Library> {
  const [provider, failures, proofs] = await Promise.all([
    import('oidc-provider/lib/provider.js'),
    import('oidc-provider/lib/helpers/errors.js'),
    import('oidc-provider/lib/helpers/validate_dpop.js'),
  ])
  return { Provider: provider.Provider, errors: failures, dpop: proofs }
}
