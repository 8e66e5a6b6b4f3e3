import { createServer, type Server } from 'node:http'
import type { AddressInfo, LookupFunction } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { FetchRefused } from '../../core/ports/guarded-fetch.ts'
import { type ClosableFetch, createGuardedFetch } from './guarded-fetch.ts'

const open: (ClosableFetch | Server)[] = []
afterEach(async () => {
  for (const each of open.splice(0)) {
    if ('fetch' in each) await each.close()
    else {
      each.closeAllConnections()
      each.close()
    }
  }
})

interface Seen {
  readonly origin: string
  readonly requests: string[]
}

async function serve(answer: (path: string) => { status: number; headers?: Record<string, string>; body: string }): Promise<Seen> {
  const requests: string[] = []
  const server = createServer((req, res) => {
    requests.push(req.url ?? '')
    const { status, headers = {}, body } = answer(req.url ?? '')
    res.writeHead(status, headers).end(body)
  })
  open.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests }
}

function guarded(options: Partial<Parameters<typeof createGuardedFetch>[0]> = {}): ClosableFetch['fetch'] {
  const made = createGuardedFetch({ trusted: [], loopback: false, ...options })
  open.push(made)
  return made.fetch
}

describe('what a peer names', () => {
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://0x7f000001/',
    'https://2130706433/',
    'https://0.0.0.0/',
    'https://10.0.0.1/',
    'https://172.16.0.1/',
    'https://192.168.1.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://100.64.0.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::1]/',
    'https://[::]/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a00:1]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'http://example.com/',
    'https://user:secret@example.com/',
    'file:///etc/passwd',
    'javascript:alert(1)',
    'gopher://127.0.0.1/',
  ])('%s is not asked', async (address) => {
    await expect(guarded()(address)).rejects.toBeInstanceOf(FetchRefused)
  })

  const named = (addresses: readonly { address: string; family: number }[]): LookupFunction => {
    return ((_name: string, _options: unknown, callback: (error: null, found: typeof addresses) => void) =>
      callback(null, addresses)) as never
  }

  it.each([
    ['a private address', [{ address: '10.1.2.3', family: 4 }]],
    [
      'a public and a private address',
      [
        { address: '93.184.216.34', family: 4 },
        { address: '::1', family: 6 },
      ],
    ],
    ['no address', []],
  ])('a name that leads to %s is not connected to', async (_what, addresses) => {
    const fetch = guarded({ lookup: named(addresses) })
    await expect(fetch('https://metadata.example/')).rejects.toBeInstanceOf(FetchRefused)
  })

  it('is not asked on this machine, not even by a name, unless the profile allows it', async () => {
    const { origin, requests } = await serve(() => ({ status: 200, body: 'here' }))
    const { port } = new URL(origin)
    const lookup = named([{ address: '127.0.0.1', family: 4 }])
    await expect(guarded({ lookup })(`https://public.example:${port}/`)).rejects.toBeInstanceOf(FetchRefused)
    await expect(guarded()(origin)).rejects.toBeInstanceOf(FetchRefused)
    expect(requests).toEqual([])
    expect(await (await guarded({ loopback: true })(origin)).text()).toBe('here')
  })
})

it('what the configuration names is asked, wherever it stands', async () => {
  const { origin } = await serve(() => ({ status: 200, body: 'configured' }))
  const fetch = guarded({ trusted: [`${origin}/realms/a`] })
  expect(await (await fetch(`${origin}/jwks`)).text()).toBe('configured')
})

it('a redirect is an answer, and is not followed', async () => {
  const { origin, requests } = await serve(() => ({ status: 302, headers: { location: 'http://127.0.0.1:1/inside' }, body: '' }))
  const answer = await guarded({ trusted: [origin] })(`${origin}/a`)
  expect(answer.status).toBe(302)
  expect(requests).toEqual(['/a'])
})

it('a body beyond the limit is not read', async () => {
  const { origin } = await serve(() => ({ status: 200, body: 'x'.repeat(2_000) }))
  const fetch = guarded({ trusted: [origin], maxBytes: 1_000 })
  await expect(fetch(origin).then((answer) => answer.text())).rejects.toThrow()
})

it('the caller can end it', async () => {
  const { origin } = await serve(() => ({ status: 200, body: '' }))
  await expect(guarded({ trusted: [origin] })(origin, { signal: AbortSignal.abort() })).rejects.toThrow()
})
