// A gateway that asks callers who they are, for tests of how they show it.
import { startUnderTest, type UnderTest } from './gateway.ts'
import { type Answer, modern } from './raw.ts'

export const publicUrl = 'https://mcp.example.com'
export const resource = `${publicUrl}/mcp`

/** What is closed after the test: the last first. */
export type Closers = (() => Promise<unknown>)[]

export async function admitting(closers: Closers, auth: Record<string, unknown>, more: Record<string, unknown> = {}): Promise<UnderTest> {
  const started = await startUnderTest({ publicUrl, auth, servers: {}, ...more })
  closers.push(started.stop)
  return started
}

/** The tools that a caller sees who shows these headers. */
export const list = (at: Pick<UnderTest, 'base'>, headers: Record<string, string>, mount = ''): Promise<Answer> =>
  modern(at.base, 'tools/list', {}, { headers, mount })

export const statusOf = async (at: Pick<UnderTest, 'base'>, token: string, mount = ''): Promise<number> =>
  (await list(at, { authorization: `Bearer ${token}` }, mount)).status
