// Ports for servers that take no port 0, and addresses where nobody listens.
import { createServer } from 'node:net'

// Below the range from which Linux and macOS hand out ports to `listen(0)` and to connections (32768 and up): what another test
// opens in the meantime cannot be given the port that was found here.
const lowest = 20_000
const highest = 32_000

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest))
    if (await isFree(port)) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
