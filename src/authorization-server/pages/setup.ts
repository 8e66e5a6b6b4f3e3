// The page that the one-time link leads to: the first operator chooses a name and a password.
import { html } from './html.ts'
import type { Page, PageContext } from './page.ts'

export interface Setup {
  readonly secret: string
  readonly formToken: string
  readonly name?: string | undefined
  readonly failed?: string | undefined
  readonly shortest: number
  /** Whether it is for the first operator alone. */
  readonly first: boolean
}

export function setupPage({ base }: PageContext, at: Setup): Page {
  const described = at.failed === undefined ? html` aria-describedby="rule"` : html` aria-describedby="failed rule" aria-invalid="true"`
  return {
    status: at.failed === undefined ? 200 : 422,
    title: at.first ? 'Create the first operator' : 'Set a password',
    body: html`<h1>${at.first ? 'Create the first operator' : 'Set a password'}</h1>
<p>${at.first ? 'This gateway has no account yet. Yours can sign in for every app that connects.' : 'A new name makes one more operator; that of an operator gives them a new password.'} The link works once.</p>
${at.failed === undefined ? undefined : html`<p class="note fault" role="alert" id="failed">${at.failed}</p>`}
<form method="post" action="${base}/oauth/setup/${at.secret}">
<input type="hidden" name="form_token" value="${at.formToken}">
<label for="name">User name</label>
<input id="name" name="name" type="text" autocomplete="username" autocapitalize="none" spellcheck="false" maxlength="64" required value="${at.name ?? ''}" autofocus>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="new-password" minlength="${at.shortest}" required${described}>
<p class="hint" id="rule">At least ${at.shortest} characters. A few words in a row are good.</p>
<label for="again">Password again</label>
<input id="again" name="again" type="password" autocomplete="new-password" required>
<div class="actions"><button class="main" type="submit">${at.first ? 'Create operator' : 'Set password'}</button></div>
</form>`,
  }
}

export const setupDone: Page = {
  title: 'The operator is there',
  body: html`<h1>The operator is there</h1>
<p>You can sign in now: connect with your app, and it will bring you to the sign-in. You can close this page.</p>`,
}

export const setupOver: Page = {
  status: 404,
  title: 'This link is over',
  body: html`<h1>This link is over</h1>
<p>It was used, it is older than a day, or there is an operator already. A gateway without one prints a new link when it starts; <code>signalbox operators link</code> makes others.</p>`,
}
