// What a person sees where a sign-in cannot go on. It leads nowhere: an address that was not registered gets nobody.
import type { ServerResponse } from 'node:http'
import { html } from './html.ts'
import { framed, pageHeaders } from './page.ts'

/** Sets the headers and gives the document of an OAuth error. */
export function showError(res: ServerResponse, out: Readonly<Record<string, unknown>>, base: string): string {
  for (const [name, value] of Object.entries(pageHeaders())) res.setHeader(name, value)
  return framed(base, {
    title: 'This sign-in cannot go on',
    body: html`<h1>This sign-in cannot go on</h1>
<p>The app that sent you here asked for something that is not possible. Go back to it and begin again; if it goes wrong again, its makers need to know what stands below.</p>
<dl>
<div><dt>Error</dt><dd><code>${out.error ?? 'server_error'}</code></dd></div>
${out.error_description === undefined ? undefined : html`<div><dt>Reason</dt><dd>${out.error_description}</dd></div>`}
</dl>`,
  })
}

export function endedPage(): { readonly status: number; readonly title: string; readonly body: ReturnType<typeof html> } {
  return {
    status: 400,
    title: 'This sign-in is over',
    body: html`<h1>This sign-in is over</h1>
<p>It took too long, was finished before, or was begun in another browser. Go back to your app and begin again.</p>`,
  }
}
