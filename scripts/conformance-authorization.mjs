// The authorization server role of the official suite: the suite is a client, and its person signs in and says yes by the pages of the gateway.
import { spawn, spawnSync } from 'node:child_process'
import { createServer } from 'node:net'

const password = 'conformance pass phrase'

/**
 * Runs the suite against the gateway's own authorization server and resolves once the suite has ended. `command` starts the suite, `main` is
 * the gateway's program and `config` the configuration with which it runs at `base`.
 */
export async function authorizationSuite({ command, main, config, base, results, env, onText }) {
  const person = browser(base)
  const { link } = JSON.parse(
    spawnSync(process.execPath, [main, 'operators', 'link', '--config', config, '--json'], { encoding: 'utf8' }).stdout,
  )
  await person.fill(await person.open(link), { name: 'operator', password, again: password })
  const port = await freePort()
  const registered = await fetch(`${base}/oauth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      client_name: 'Conformance',
      redirect_uris: [`http://127.0.0.1:${port}/callback`],
      token_endpoint_auth_method: 'none',
    }),
  })
  const { client_id: client } = await registered.json()
  const [program, ...first] = command
  const args = [
    ...first,
    'authorization',
    '--url',
    base,
    '--client-id',
    client,
    '--resource',
    `${base}/mcp`,
    '--port',
    String(port),
    '-o',
    results,
  ]
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env })
  let text = ''
  let walked
  const hear = (chunk) => {
    text += chunk
    onText(String(chunk))
    const address = new RegExp(`^${base}/oauth/authorize\\?\\S+$`, 'm').exec(text)?.[0]
    if (address !== undefined) walked ??= allow(person, address)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  await new Promise((resolve) => child.on('close', resolve))
  await walked
}

async function allow(person, address) {
  let page = await person.open(address)
  if (page.text.includes('name="password"')) page = await person.fill(page, { name: 'operator', password })
  if (page.text.includes('value="allow"')) page = await person.fill(page, { answer: 'allow' })
}

/** Keeps cookies, follows redirects to the end, fills in forms. */
function browser(base) {
  const cookies = new Map()
  const go = async (url, init) => {
    const own = url.origin === new URL(base).origin
    const sent = [...cookies.values()].filter(({ path }) => url.pathname.startsWith(path)).map(({ pair }) => pair)
    const headers = { accept: 'text/html', ...(own ? { cookie: sent.join('; '), origin: url.origin } : {}) }
    const answer = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of own ? answer.headers.getSetCookie() : []) {
      const pair = line.split(';')[0]
      const path = /;\s*path=([^;]+)/i.exec(line)?.[1] ?? '/'
      cookies.set(`${pair.split('=')[0]} ${path}`, { pair, path })
    }
    const to = answer.headers.get('location')
    if (to === null) return { url, text: await answer.text() }
    await answer.body?.cancel()
    return go(new URL(to, url), { method: 'GET' })
  }
  return {
    open: (address) => go(new URL(address), { method: 'GET' }),
    fill: ({ url, text }, fields) => {
      const action = /<form method="post" action="([^"]+)"/.exec(text)?.[1] ?? ''
      const token = /name="form_token" value="([^"]+)"/.exec(text)?.[1] ?? ''
      return go(new URL(action, url), { method: 'POST', body: new URLSearchParams({ form_token: token, ...fields }) })
    },
  }
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}
