// The page on which a person allows a client to act for them, or does not.
import { baseScope } from '../resources.ts'
import { html, type Markup } from './html.ts'
import type { Page, PageContext } from './page.ts'

export interface Consent {
  readonly uid: string
  readonly formToken: string
  readonly clientName: string
  readonly clientId: string
  /** Host of the metadata document that the name is from; absent: the client said it of itself. */
  readonly documentHost?: string | undefined
  readonly redirectHost: string
  /** Whether any program of the person's own machine may be at the other end. */
  readonly local: boolean
  /** Whose tools it may use; absent: none, it only learns who signs in. */
  readonly resource: string | undefined
  readonly scopes: readonly string[]
  /** Of OpenID Connect. */
  readonly oidc: readonly string[]
  readonly accountName: string
  readonly leadsTo: string
}

export function consentPage({ base }: PageContext, at: Consent): Page {
  return {
    title: `Allow ${at.clientName}?`,
    leadsTo: at.leadsTo,
    body: html`<h1>Allow ${at.clientName}?</h1>
<p>${at.resource === undefined ? 'It learns who you are' : 'It will use the tools of this gateway in your name'}, as <strong>${at.accountName}</strong>.</p>
${warning(at)}
<dl>
<div><dt>App</dt><dd>${at.clientName}<br><span class="quiet">${provenance(at)}</span></dd></div>
<div><dt>Answer goes to</dt><dd><code>${at.redirectHost}</code></dd></div>
${at.resource === undefined ? undefined : html`<div><dt>Tools of</dt><dd><code>${at.resource}</code></dd></div>`}
<div><dt>It may</dt><dd><ul>${at.scopes.map((scope) => html`<li>${scope === baseScope ? html`use its tools <code>${scope}</code>` : html`<code>${scope}</code>`}</li>`)}${at.oidc.map((scope) => html`<li>${oidcMeaning[scope]}</li>`)}</ul></dd></div>
</dl>
<form method="post" action="${base}/oauth/interaction/${at.uid}/consent">
<input type="hidden" name="form_token" value="${at.formToken}">
<div class="actions">
<button type="submit" name="answer" value="deny">Deny</button>
<button class="main" type="submit" name="answer" value="allow">Allow</button>
</div>
</form>`,
  }
}

const oidcMeaning: Readonly<Record<string, string>> = { openid: 'know who you are', offline_access: 'go on while you are away' }

function provenance({ documentHost }: Consent): Markup {
  return documentHost === undefined ? html`The name is its own word; nobody has checked it.` : html`Named by <code>${documentHost}</code>.`
}

function warning({ local }: Consent): Markup | undefined {
  if (!local) return undefined
  return html`<p class="note warning"><strong>The answer goes to a program on your own computer.</strong> Any program there could have sent you here under this name. Allow it only if you have just started this yourself.</p>`
}
