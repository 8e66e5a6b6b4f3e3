import { describe, expect, it } from 'vitest'
import { Proxies } from './proxies.ts'

const proxy = 'http://proxy.example:3128'
const through = (env: Record<string, string>, address: string): string | undefined => new Proxies(env).find(address)?.label

describe('the proxy on the way to an address', () => {
  it.each([
    [{ HTTP_PROXY: proxy }, 'http://a.example/mcp', 'proxy.example:3128 (HTTP_PROXY)'],
    [{ http_proxy: proxy }, 'http://a.example/mcp', 'proxy.example:3128 (http_proxy)'],
    [{ HTTP_PROXY: proxy }, 'https://a.example/mcp', undefined],
    [{ HTTPS_PROXY: proxy }, 'https://a.example/mcp', 'proxy.example:3128 (HTTPS_PROXY)'],
    [{ https_proxy: proxy, HTTPS_PROXY: 'http://other.example:1' }, 'https://a.example/mcp', 'proxy.example:3128 (https_proxy)'],
    [{ https_proxy: '', HTTPS_PROXY: proxy }, 'https://a.example/mcp', 'proxy.example:3128 (HTTPS_PROXY)'],
    [{ HTTPS_PROXY: proxy }, 'http://a.example/mcp', undefined],
    [{ ALL_PROXY: proxy }, 'http://a.example/mcp', 'proxy.example:3128 (ALL_PROXY)'],
    [{ all_proxy: proxy, HTTP_PROXY: 'http://other.example:1' }, 'http://a.example/mcp', 'other.example:1 (HTTP_PROXY)'],
    [{ HTTP_PROXY: 'proxy.example:3128' }, 'http://a.example/mcp', 'proxy.example:3128 (HTTP_PROXY)'],
    [{ HTTP_PROXY: 'http://proxy.example/' }, 'http://a.example/mcp', 'proxy.example:80 (HTTP_PROXY)'],
    [{ HTTP_PROXY: 'https://proxy.example' }, 'http://a.example/mcp', 'proxy.example:443 (HTTP_PROXY)'],
    [{ HTTP_PROXY: 'http://[2001:db8::1]:3128' }, 'http://a.example/mcp', '[2001:db8::1]:3128 (HTTP_PROXY)'],
    [{ HTTP_PROXY: '' }, 'http://a.example/mcp', undefined],
    [{ HTTP_PROXY: proxy }, 'http://localhost/mcp', undefined],
    [{ HTTP_PROXY: proxy }, 'http://LOCALHOST:81/mcp', undefined],
    [{ HTTP_PROXY: proxy }, 'http://a.localhost/mcp', undefined],
    [{ HTTP_PROXY: proxy }, 'http://127.9.9.9:81/mcp', undefined],
    [{ HTTP_PROXY: proxy }, 'http://[::1]:81/mcp', undefined],
  ])('%j, %s: %s', (env, address, expected) => {
    expect(through(env, address)).toBe(expected)
  })

  it.each([
    ['*', 'http://a.example/', true],
    ['a.example', 'http://a.example/', true],
    ['A.Example', 'http://a.EXAMPLE./', true],
    ['a.example.', 'http://a.example/', true],
    ['a.example', 'http://b.a.example/', true],
    ['a.example', 'http://ba.example/', false],
    ['.a.example', 'http://b.a.example/', true],
    ['*.a.example', 'http://b.a.example/', true],
    ['.a.example', 'http://ba.example/', false],
    ['a.example:8080', 'http://a.example:8080/', true],
    ['a.example:8080', 'http://a.example/', false],
    ['a.example:80', 'http://a.example/', true],
    ['x.example, a.example', 'http://a.example/', true],
    ['x.example a.example', 'http://a.example/', true],
    [',,', 'http://a.example/', false],
    ['.', 'http://a.example/', false],
    ['10.0.0.1', 'http://10.0.0.1/', true],
    ['0.1', 'http://10.0.0.1/', false],
    ['10.0.0.1:81', 'http://10.0.0.1/', false],
    ['10.0.0.0/8', 'http://10.200.0.1/', true],
    ['10.0.0.0/8', 'http://11.0.0.1/', false],
    ['10.0.0.0/99', 'http://10.0.0.1/', false],
    ['10.0.0.0/8', 'http://a.example/', false],
    ['2001:DB8::1', 'http://[2001:db8:0::1]/', true],
    ['[2001:db8::1]:81', 'http://[2001:db8::1]:81/', true],
    ['[2001:db8::1]:81', 'http://[2001:db8::1]/', false],
    ['2001:db8::/32', 'http://[2001:db8:1::1]/', true],
    ['2001:db8::/32', 'http://[2001:db9::1]/', false],
  ])('NO_PROXY=%s, %s: direct %s', (list, address, direct) => {
    for (const variable of ['NO_PROXY', 'no_proxy']) {
      expect(through({ HTTP_PROXY: proxy, [variable]: list }, address) === undefined).toBe(direct)
    }
  })
})

describe('a credential of a proxy', () => {
  it('is sent as it is meant, and is a secret in every spelling', () => {
    const proxies = new Proxies({ HTTP_PROXY: 'http://us%40er:s3c%3Aret%2F@proxy.example:3128' })
    const basic = Buffer.from('us@er:s3c:ret/').toString('base64')
    expect(proxies.find('http://a.example/')).toMatchObject({ authorization: `Basic ${basic}`, label: 'proxy.example:3128 (HTTP_PROXY)' })
    expect(proxies.secrets).toEqual(expect.arrayContaining(['s3c:ret/', 's3c%3Aret%2F', basic]))
  })

  it('may have no password', () => {
    const { authorization } = new Proxies({ HTTP_PROXY: 'http://token@proxy.example' }).find('http://a.example/') ?? {}
    expect(authorization).toBe(`Basic ${Buffer.from('token:').toString('base64')}`)
  })
})

describe('a variable that names no usable proxy', () => {
  it.each([
    ['http://', /no address/],
    ['http://u:p4ssword@host:99999', /no address/],
    ['http://u:p4ssword@', /no address/],
    ['two words p4ssword', /no address/],
    ['socks5://u:p4ssword@host:1080', /neither by http nor by https/],
    ['http://u:p4ssword%@host', /%25/],
  ])('%s is told by its name, and is not quoted', (value, what) => {
    const proxies = new Proxies({ HTTPS_PROXY: value })
    const problem = proxies.problem('https://a.example/')
    expect(problem).toMatchObject({ variable: 'HTTPS_PROXY', what: expect.stringMatching(what) })
    expect(JSON.stringify(problem)).not.toContain('p4ssword')
    expect(() => proxies.find('https://a.example/')).toThrow(/HTTPS_PROXY/)
    expect(proxies.problem('http://a.example/')).toBeUndefined()
    expect(proxies.problem('https://localhost/')).toBeUndefined()
  })
})
