// The page on which a person says who they are.
import { html } from './html.ts'
import type { Page, PageContext } from './page.ts'

export interface SignIn {
  readonly uid: string
  readonly formToken: string
  /** Host of the identity provider; absent: there is none. */
  readonly provider?: string | undefined
  /** Whether anybody has a password here. */
  readonly passwords: boolean
  readonly clientName: string
  readonly name?: string | undefined
  readonly failed?: string | undefined
  readonly leadsTo: string
}

export function signInPage({ base }: PageContext, at: SignIn): Page {
  const action = `${base}/oauth/interaction/${at.uid}`
  const failed = at.failed === undefined ? undefined : html`<p class="note fault" role="alert" id="failed">${at.failed}</p>`
  const described = at.failed === undefined ? '' : html` aria-describedby="failed" aria-invalid="true"`
  const form = html`<form method="post" action="${action}/login">
<input type="hidden" name="form_token" value="${at.formToken}">
<label for="name">User name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" required value="${at.name ?? ''}"${described}${at.name === undefined ? html` autofocus` : undefined}>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required${described}${at.name === undefined ? undefined : html` autofocus`}>
<div class="actions"><button class="main" type="submit">Sign in</button></div>
</form>`
  const provider = at.provider
  const elsewhere =
    provider === undefined
      ? undefined
      : html`<div class="actions"><a class="button main" href="${action}/provider">Continue with ${provider}</a></div>`
  const nobody = html`<p class="note warning">Nobody has an account yet. Open the link that Signalbox printed when it started, choose a name and a password, and come back.</p>`
  return {
    status: at.failed === undefined ? 200 : 401,
    title: 'Sign in',
    leadsTo: at.leadsTo,
    body: html`<h1>Sign in</h1>
<p class="quiet">${at.clientName} wants to use the tools of this gateway for you.</p>
${failed}
${elsewhere}
${provider === undefined ? (at.passwords ? form : nobody) : undefined}`,
  }
}
