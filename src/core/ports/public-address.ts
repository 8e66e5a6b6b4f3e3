// The address under which clients reach the front door (`publicUrl`): what metadata, challenges and links say. Never taken from a request.

/** Stands in a mount's place for the admin door, whose tokens are for it alone: no server and no toolset has such a name. */
export const adminResource = '/admin/v1'

export interface PublicAddress {
  /** Without a slash at the end; may have a path, where a proxy serves the gateway below one. */
  readonly url: string
  /** The resource identifier (RFC 8707) of a mount: `{url}/mcp`, `{url}/mcp/{mount}`; '' is the aggregate. Of `adminResource`: `{url}/admin/v1`. */
  resource(mount: string): string
  /** The address of the metadata of that resource (RFC 9728 §3.1). */
  metadata(mount: string): string
}

/** `url`: asked each time, since in the dev profile it is known once the door is open. */
export function publicAddress(url: () => string): PublicAddress {
  const path = (mount: string): string => {
    if (mount === adminResource) return adminResource
    return mount === '' ? '/mcp' : `/mcp/${mount}`
  }
  return {
    get url() {
      return url()
    },
    resource: (mount) => `${url()}${path(mount)}`,
    metadata: (mount) => {
      const { origin, pathname } = new URL(url())
      return `${origin}/.well-known/oauth-protected-resource${pathname.replace(/\/$/, '')}${path(mount)}`
    },
  }
}
