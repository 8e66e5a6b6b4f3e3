// Upstreams and servers that end with the test that made them.
import { onTestFinished } from 'vitest'
import { restartableServer } from './restartable-server.ts'
import { type Script, type Scripted, scripted } from './scripted-http.ts'
import { type Made, type MakeOptions, makeUpstream } from './upstream-rig.ts'

export function upstreamAt(settings: Record<string, unknown>, more: Omit<MakeOptions, 'settings'> = {}): Made {
  const made = makeUpstream({ settings, ...more })
  onTestFinished(() => made.close())
  return made
}

export async function peer(script: Script): Promise<Scripted> {
  const made = await scripted(script)
  onTestFinished(() => made.stop())
  return made
}

export async function restartable(...script: Parameters<typeof restartableServer>): ReturnType<typeof restartableServer> {
  const server = await restartableServer(...script)
  onTestFinished(() => server.stop())
  return server
}
