// A browser as far as forms, redirects and cookies go: what a person does at the pages of the gateway and of an issuer.

export interface Shown {
  readonly url: URL
  /** 0 where it stopped: what it was sent to is the answer. */
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

export interface BrowserOptions {
  /** The one origin that it visits; it stops at the first address of another, which is where a client takes its answer. Else it goes everywhere. */
  readonly within?: string
  /** What its requests are made with. */
  readonly through?: typeof globalThis.fetch
}

export class Browser {
  readonly visited: string[] = []
  /** A path that it does not go to. */
  stopAt: string | undefined
  /** By host, as browsers keep them for loopback: without the port. */
  private readonly cookies = new Map<string, Map<string, Cookie>>()
  private readonly within: string | undefined
  private readonly through: typeof globalThis.fetch

  constructor({ within, through = globalThis.fetch }: BrowserOptions = {}) {
    this.within = within
    this.through = through
  }

  open(address: string | URL): Promise<Shown> {
    return this.go(new URL(address, this.within), { method: 'GET' })
  }

  /** Presses the button of the first form of the page, with its hidden fields and these. */
  submit(
    { url, status, text }: Shown,
    fields: Readonly<Record<string, string>> = {},
    headers: Record<string, string> = {},
  ): Promise<Shown> {
    const form = /<form\b([^>]*)>/.exec(text)?.[1]
    if (form === undefined) throw new Error(`There is no form: ${status} ${text.slice(0, 400)}`)
    const action = /\baction="([^"]*)"/.exec(form)?.[1] ?? url.href
    const target = new URL(action.replaceAll('&#38;', '&').replaceAll('&amp;', '&'), url)
    const body = new URLSearchParams({ ...hiddenIn(text), ...fields })
    return this.go(target, { method: 'POST', body, headers: { origin: target.origin, ...headers } })
  }

  private async go(start: URL, init: RequestInit): Promise<Shown> {
    let url = start
    let request = init
    for (let hops = 0; hops < 15; hops += 1) {
      this.visited.push(url.href)
      if (this.stopsAt(url)) return { url, status: 0, headers: new Headers(), text: '' }
      const jar = this.jarOf(url)
      const sent = [...jar.values()].filter(({ path }) => url.pathname.startsWith(path)).map(({ name, value }) => `${name}=${value}`)
      const headers = { accept: 'text/html', ...(request.headers as Record<string, string>), cookie: sent.join('; ') }
      const answer = await this.through(url, { ...request, redirect: 'manual', headers })
      for (const line of answer.headers.getSetCookie()) keep(jar, line)
      const location = answer.headers.get('location')
      if (answer.status < 300 || answer.status > 399 || location === null) {
        return { url, status: answer.status, headers: answer.headers, text: await answer.text() }
      }
      await answer.body?.cancel()
      url = new URL(location, url)
      request = answer.status === 307 ? request : { method: 'GET' }
    }
    throw new Error(`too many redirects from ${start}: ${this.visited.map((one) => one.slice(0, 200)).join(' ')}`)
  }

  private stopsAt({ origin, pathname }: URL): boolean {
    return pathname === this.stopAt || (this.within !== undefined && origin !== new URL(this.within).origin)
  }

  private jarOf({ hostname }: URL): Map<string, Cookie> {
    const jar = this.cookies.get(hostname) ?? new Map<string, Cookie>()
    this.cookies.set(hostname, jar)
    return jar
  }
}

function hiddenIn(text: string): Record<string, string> {
  const inputs = [...text.matchAll(/<input\b[^>]*>/g)].map(([input]) => input).filter((input) => input.includes('type="hidden"'))
  const memberOf = (input: string, member: string): string => new RegExp(`\\b${member}="([^"]*)"`).exec(input)?.[1] ?? ''
  return Object.fromEntries(inputs.map((input) => [memberOf(input, 'name'), memberOf(input, 'value')]))
}

function keep(jar: Map<string, Cookie>, line: string): void {
  const [pair = ''] = line.split(';')
  const at = pair.indexOf('=')
  const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
  const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? '/'
  if (value === '' || /expires=Thu, 01 Jan 1970|max-age=0(;|$)/i.test(line)) jar.delete(`${name} ${path}`)
  else jar.set(`${name} ${path}`, { name, value, path })
}
