// One short body that no cache keeps.
import type { ServerResponse } from 'node:http'

export function answer(res: ServerResponse, status: number, type: string, text: string, more: readonly string[] = []): void {
  const body = Buffer.from(text)
  res.writeHead(status, ['Content-Type', type, 'Content-Length', String(body.length), 'Cache-Control', 'no-store', ...more])
  res.end(body)
}

/** RFC 9457. */
export function problem(res: ServerResponse, status: number, title: string, detail: string, more: readonly string[] = []): void {
  answer(res, status, 'application/problem+json', JSON.stringify({ title, status, detail }), more)
}
