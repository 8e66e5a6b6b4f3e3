// A port of loopback that swallows attempts to connect, as a host that is gone or a firewall does.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import type { Clock } from '../../../core/ports/clock.ts'
import { systemClock } from '../../../platform/clock/system-clock.ts'

export interface BlackHole {
  readonly port: number
  stop(): Promise<void>
}

/** A port that answers no SYN: its listener is stopped and its accept queue is full. Linux only. `port`: 0 is any that is free. */
export async function startBlackHole(port = 0, clock: Clock = systemClock): Promise<BlackHole> {
  const script = `const s = require('net').createServer(); s.listen({ port: ${port}, host: '127.0.0.1', backlog: 1 }, () => process.stdout.write(String(s.address().port)))`
  const child: ChildProcess = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
  const gone = once(child, 'exit')
  const [line] = (await once(child.stdout ?? child, 'data')) as [Buffer]
  const at = Number(String(line))
  child.kill('SIGSTOP')
  const fillers: Socket[] = []
  // The queue holds one or two more than its length; the first that hangs shows that it is full.
  for (let full = false; !full && fillers.length < 16; ) {
    const socket = connect(at, '127.0.0.1')
    socket.on('error', () => undefined)
    fillers.push(socket)
    full = !(await Promise.race([
      once(socket, 'connect').then(() => true),
      new Promise((resolve) => clock.timer(60, () => resolve(false))),
    ]))
  }
  return {
    port: at,
    stop: async () => {
      for (const socket of fillers) socket.destroy()
      child.kill('SIGKILL')
      await gone
    },
  }
}
