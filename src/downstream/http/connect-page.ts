// The HTML of the connect pages: one column, no script, nothing from elsewhere, every text of others escaped.
import { createHash } from 'node:crypto'

export interface Page {
  readonly html: string
  /** `Content-Security-Policy`. */
  readonly policy: string
}

const style = `:root{color-scheme:light dark;font:1.0625rem/1.5 system-ui,sans-serif}body{max-width:34rem;margin:12vh auto;padding:0 1.25rem}
h1{font-size:1.5rem}dt{font-weight:600;margin-top:.75rem}dd{margin:0;overflow-wrap:anywhere}
button{font:inherit;font-weight:600;margin-top:1.5rem;padding:.6rem 1.4rem;border:0;border-radius:.5rem;background:#1f5fbf;color:#fff;cursor:pointer}
button:focus-visible{outline:3px solid #f0a500;outline-offset:2px}`
const styleHash = createHash('sha256').update(style).digest('base64')

export function messagePage(text: string): Page {
  return page('Linking an account', `<p>${escaped(text)}</p>`)
}

/** Shows whom the user is about to tell what, before the browser goes there. */
export function approvalPage(
  {
    server,
    issuer,
    resource,
    scopes,
  }: { readonly server: string; readonly issuer: string; readonly resource: string; readonly scopes: readonly string[] },
  action: string,
  token: string,
): Page {
  const rows = [
    ['Server', server],
    ['Its address', resource],
    ['You will sign in at', new URL(issuer).host],
    ['Asked for', scopes.length === 0 ? 'what the server gives by default' : scopes.join(', ')],
  ]
  const list = rows.map(([name = '', value = '']) => `<dt>${name}</dt><dd>${escaped(value)}</dd>`).join('')
  const body = `<p>Your agent wants to use the server <strong>${escaped(server)}</strong> in your name. The gateway keeps the access that you grant, encrypted, and uses it for your calls alone. Go on only if you have just asked for this.</p>
<dl>${list}</dl>
<form method="post" action="${escaped(action)}"><input type="hidden" name="token" value="${escaped(token)}"><button>Continue to ${escaped(new URL(issuer).host)}</button></form>`
  return page('Link an account', body, issuer)
}

/** Browsers hold the redirect after a form against `form-action` too. */
function page(title: string, body: string, issuer?: string): Page {
  const to = issuer === undefined ? "'none'" : `'self' ${new URL(issuer).origin} https:`
  return {
    html: `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>${title} · Signalbox</title><style>${style}</style></head><body><main><h1>${title}</h1>${body}</main></body></html>`,
    policy: `default-src 'none'; style-src 'sha256-${styleHash}'; form-action ${to}; base-uri 'none'; frame-ancestors 'none'`,
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (one) => `&#${one.charCodeAt(0)};`)
}
