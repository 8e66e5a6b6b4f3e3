// A further gateway in the benchmark, which whoever runs it has started in front of the same upstream (BENCH_PEER_URL).
import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { echoOf, openSession } from './rpc.mjs'

/** What the environment says of the peer; undefined where there is none. */
export function peerOf(env) {
  const { BENCH_PEER_URL: url, BENCH_PEER_PID: pid, BENCH_PEER_SESSIONS_URL: sessionsUrl, BENCH_PEER_SESSIONS_PID: sessionsPid } = env
  if (url === undefined) return undefined
  return {
    name: env.BENCH_PEER_NAME ?? 'peer',
    modern: place(url, pid),
    legacy: sessionsUrl === undefined ? place(url, pid) : place(sessionsUrl, sessionsPid),
  }
}

function place(address, pid) {
  const url = new URL(address)
  if (url.protocol !== 'http:') throw new Error(`The benchmark speaks plain http:// only, not ${address}`)
  return { url, pid: pid === undefined ? undefined : Number(pid) }
}

/** Waits until the peer offers the upstream's tool; resolves to one target for each era that it speaks. */
export async function peerTargets(peer, upstream) {
  const { name, modern, legacy } = peer
  for (const { pid } of [modern, legacy]) if (pid !== undefined) spawnSync('taskset', ['-acp', '1', String(pid)])
  console.error(`The peer must have one server, ${upstream}. Waiting for its tool echo at ${modern.url} …`)
  for (let i = 0; i < 240; i += 1) {
    const found = await Promise.all([statelessTarget(modern), sessionTarget(legacy)])
    const targets = found.filter((target) => target !== undefined)
    if (targets.length > 0) return targets.map((target) => ({ ...target, name: `${name} ${target.era}` }))
    await pause(250)
  }
  throw new Error(`No tool echo came at ${modern.url} within a minute`)
}

async function statelessTarget(at) {
  const tool = await echoOf(at.url, 'modern').catch(() => undefined)
  return tool === undefined ? undefined : { ...target(at), era: 'modern', tool }
}

async function sessionTarget(at) {
  try {
    const session = await openSession(at.url)
    const tool = await echoOf(at.url, 'legacy', session)
    return tool === undefined ? undefined : { ...target(at), era: 'legacy', tool, session }
  } catch {
    return undefined
  }
}

function target({ url, pid }) {
  return { host: url.hostname, port: Number(url.port || 80), path: url.pathname + url.search, pid }
}
