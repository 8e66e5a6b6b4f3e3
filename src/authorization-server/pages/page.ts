// The frame of every page for people: headers that keep it from being framed, scripted or kept, and the one column that it stands in.
import type { ServerResponse } from 'node:http'
import { html, type Markup } from './html.ts'

export interface Page {
  readonly status?: number
  readonly title: string
  readonly body: Markup
  /** Where a form of it may lead beside this host: the host or scheme that the client takes its answer at. */
  readonly leadsTo?: string | undefined
}

/** Addresses below the public one; its path is put before. */
export interface PageContext {
  /** Path of the public address, without a slash at the end. */
  readonly base: string
}

export function sendPage(res: ServerResponse, { base }: PageContext, page: Page): void {
  const body = Buffer.from(framed(base, page))
  res.writeHead(page.status ?? 200, {
    ...pageHeaders(page.leadsTo),
    'Content-Type': 'text/html; charset=utf-8',
    'Content-Length': String(body.length),
  })
  res.end(body)
}

export function pageHeaders(leadsTo?: string): Record<string, string> {
  const policy = [
    "default-src 'none'",
    "style-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    `form-action 'self'${leadsTo === undefined ? '' : ` ${leadsTo}`}`,
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'X-Frame-Options': 'DENY',
    'X-Content-Type-Options': 'nosniff',
    // Not `no-referrer`: with it browsers do not say where a form came from either.
    'Referrer-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'Cross-Origin-Opener-Policy': 'same-origin',
  }
}

export function framed(base: string, { title, body }: Page): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<title>${title} · Signalbox</title>
<link rel="stylesheet" href="${base}/oauth/style.css">
</head>
<body>
<main>
<p class="brand"><span class="mark" aria-hidden="true"></span>Signalbox</p>
${body}
</main>
</body>
</html>
`.markup
}
