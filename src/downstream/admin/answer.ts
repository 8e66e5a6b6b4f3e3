// One short body that no cache keeps.
import type { ServerResponse } from 'node:http'

export function answer(res: ServerResponse, status: number, type: string, text: string, more: readonly string[] = []): void {
  const body = Buffer.from(text)
  res.writeHead(status, ['Content-Type', type, 'Content-Length', String(body.length), 'Cache-Control', 'no-store', ...more])
  res.end(body)
}
