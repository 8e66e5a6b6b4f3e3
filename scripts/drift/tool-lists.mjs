// The tools of published versions of npm servers, read as `signalbox tools diff npm:NAME@VERSION` reads them: each version is installed alone
// into a temporary folder, without its install scripts, with the dependencies of today, and removed after. Its answer is kept in a folder, so
// that judging can be repeated; what gave none is asked again the next time.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { readContracts } from '../../dist/operate/contracts/read-contracts.js'

/** Of an installation, a start and an answer together. */
const within = 400_000

/** `{tools}`, or `{error}` where this version cannot be installed or does not answer. */
export async function toolsOf(server, version, folder) {
  const file = join(folder, server.package.replaceAll('/', '+'), `${version}.json`)
  const kept = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {}
  if (kept.tools !== undefined) return kept
  const home = mkdtempSync(join(tmpdir(), 'signalbox-drift-'))
  try {
    const read = await ask(server, version, home)
    if (read.tools === undefined) return read
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, JSON.stringify(read))
    return read
  } finally {
    rmSync(home, { recursive: true, force: true, maxRetries: 3 })
  }
}

async function ask(server, version, home) {
  const label = `npm:${server.package}@${version}`
  const args = server.arguments?.(home) ?? []
  try {
    const { servers } = await readContracts(
      { kind: 'package', name: server.package, version, args, label },
      {
        headers: {},
        token: undefined,
        // Of this machine it sees an empty home.
        env: { HOME: home, ...server.env },
        allowScripts: false,
        signal: AbortSignal.timeout(within),
        configuration: async () => undefined,
      },
    )
    const [{ tools, unreachable }] = servers.values()
    return unreachable === undefined ? { tools: [...tools.values()] } : { error: unreachable }
  } catch (error) {
    // Of npm the first line says why.
    return { error: error.message.split('\n')[0] }
  }
}
