// A gateway that is told to go loses nothing: SIGTERM under load, with calls of both eras in flight, streams open and new connections
// arriving all the time.
import { Agent } from 'node:http'
import { describe, expect } from 'vitest'
import { startProcess } from '../peers/process.ts'
import { eventually, interrupted } from '../peers/processes.ts'
import { type Answer, legacy, metric, modern, openSession, send } from '../peers/raw.ts'
import { everything } from '../peers/servers.ts'
import { promise } from './promise.ts'

const graceMs = 8_000
const echo = (message: string) => ({ name: 'echo', arguments: { message } })
const slow = (seconds: number) => ({ name: 'trigger-long-running-operation', arguments: { duration: seconds, steps: 4 } })
const mount = '/everything'
const codeOf = (error: unknown): string => (error as NodeJS.ErrnoException).code ?? String(error)
/** A connection of its own that stays open between requests. */
const kept = (): Agent => new Agent({ keepAlive: true, maxSockets: 1 })

describe('SIGTERM under load', () => {
  promise(
    'R45',
    'every call that was started is answered, readiness flips first, streams end with a hint, and it exits with 0 in time',
    async () => {
      const gateway = await startProcess({ servers: { everything }, drain: { graceMs } })
      const { base } = gateway
      const sessions = await Promise.all(Array.from({ length: 8 }, () => openSession(base, { mount })))
      const answers: Answer[] = []
      const broken: string[] = []
      let refused = 0
      const keepCalling = async (call: (n: number) => Promise<Answer>): Promise<void> => {
        for (let n = 0; ; n += 1) {
          try {
            answers.push(await call(n))
          } catch (error) {
            // A connection that was never made carries no call: the one failure that every proxy repeats elsewhere. One that the kernel
            // made between the last look into the accept queue and the closing of the listener is reset, and nobody has read its request:
            // the records below show that no call was taken in and not answered.
            if (codeOf(error) !== 'ECONNREFUSED' && codeOf(error) !== 'ECONNRESET') broken.push(codeOf(error))
            refused += 1
            return
          }
        }
      }
      const load = [
        ...Array.from({ length: 8 }, (_, worker) =>
          keepCalling((n) =>
            modern(base, 'tools/call', echo(`modern ${worker} ${n}`), {
              mount,
              ...(worker % 2 === 0 ? { agent: agents[worker] as Agent } : {}),
            }),
          ),
        ),
        ...sessions
          .slice(0, 6)
          .map((session, worker) => keepCalling((n) => legacy(base, session, 'tools/call', echo(`legacy ${worker} ${n}`), { mount }))),
      ]
      const session = sessions[7] ?? {}
      let streamed = ''
      const stream = send(`${base}/mcp${mount}`, 'GET', undefined, {
        headers: { ...session, accept: 'text/event-stream' },
        onText: (text) => {
          streamed += text
        },
      })
      const listening = modern(base, 'subscriptions/listen', { notifications: { toolsListChanged: true } }, { mount })
      const probes = [kept(), kept(), kept()]
      for (const agent of probes) expect((await send(`${base}/readyz`, 'GET', undefined, { agent })).status).toBe(200)
      await eventually(() => answers.length > 200)
      const inFlight = [
        modern(base, 'tools/call', slow(2), { mount }),
        modern(base, 'tools/call', { ...slow(2), _meta: { progressToken: 'own' } }, { mount }),
        legacy(base, session, 'tools/call', slow(2), { mount }),
        legacy(base, sessions[6] ?? {}, 'tools/call', { ...slow(2), _meta: { progressToken: 'own' } }, { mount }),
      ]
      await eventually(async () => (await calls(gateway.admin)) >= 4)
      const began = performance.now()
      gateway.child.kill('SIGTERM')
      await eventually(() => gateway.log().includes('"Draining"'))
      const unready = await send(`${base}/readyz`, 'GET', undefined, { agent: probes[0] as Agent })
      expect(unready.status).toBe(503)
      expect(JSON.parse(unready.text).status).toBe('draining')
      const turnedAway = await send(`${base}/mcp${mount}`, 'POST', initialize, { agent: probes[1] as Agent })
      expect(turnedAway.status).toBe(503)
      expect(turnedAway.text).toContain('draining')

      for (const answer of await Promise.all(inFlight)) {
        expect(answer.status).toBe(200)
        expect(JSON.stringify(answer.message.result)).toContain('completed')
      }
      await Promise.all(load)
      expect(broken).toEqual([])
      expect(refused).toBe(14)
      expect(answers.length).toBeGreaterThan(200)
      expect(answers.filter((answer) => answer.status !== 200 || !/^Echo: /.test(answer.message.result.content[0].text))).toEqual([])
      expect((await stream).status).toBe(200)
      expect(streamed).toMatch(/^retry: ?\d+$/m)
      expect((await listening).message.result).toBeDefined()
      expect(await gateway.gone).toBe(0)
      expect(performance.now() - began).toBeLessThan(graceMs + 12_000)
      const taken = () => gateway.log().match(/"method":"tools\/call".*"event":"call"/g)?.length
      expect(await eventually(() => taken() === answers.length + inFlight.length), `${taken()} records of ${answers.length} answers`).toBe(
        true,
      )
      await gateway.end('SIGTERM')
    },
    60_000,
  )

  promise(
    'R45',
    'what does not end within the grace is told that the gateway goes, and the exit code is 0 all the same',
    async () => {
      const gateway = await startProcess({ servers: { everything }, drain: { graceMs: 700 } })
      const call = modern(gateway.base, 'tools/call', slow(30), { mount })
      await eventually(async () => (await calls(gateway.admin)) === 1)
      const began = performance.now()
      expect(await gateway.end('SIGTERM')).toBe(0)
      // Far below the 30 s of the call.
      expect(performance.now() - began).toBeLessThan(20_000)
      const { message } = await call
      expect(JSON.stringify(message)).toMatch(/outcome_unknown|draining|cancelled/)
    },
    30_000,
  )

  promise(
    'R45',
    'a second Ctrl-C ends at once',
    async () => {
      const gateway = await startProcess({ servers: { everything }, drain: { graceMs: 60_000 } })
      const call = modern(gateway.base, 'tools/call', slow(50), { mount }).catch(codeOf)
      await eventually(async () => (await calls(gateway.admin)) === 1)
      gateway.child.kill('SIGINT')
      const began = performance.now()
      expect(await interrupted(gateway.child)).toBe(true)
      expect(await gateway.end('SIGINT')).toBe(130)
      // Far below the grace and the call.
      expect(performance.now() - began).toBeLessThan(20_000)
      await call
    },
    30_000,
  )
})

const agents = Array.from({ length: 8 }, kept)
const initialize = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'late', version: '1' } },
})

/** Calls in flight at the server. */
async function calls(admin: string): Promise<number> {
  return (await metric(admin, 'signalbox_upstream_in_flight')).get('upstream="everything"') ?? 0
}
