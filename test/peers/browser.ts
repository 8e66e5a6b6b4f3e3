// A browser as far as forms, redirects and cookies go: what a person does at the pages of the gateway and of an issuer.

export interface Shown {
  readonly url: string
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

export class Browser {
  /** By host, as browsers keep them for loopback: without the port. */
  private readonly cookies = new Map<string, Map<string, Cookie>>()
  readonly visited: string[] = []
  /** A path that it does not go to: what it was sent to is shown. */
  stopAt: string | undefined

  open(url: string): Promise<Shown> {
    return this.go(url, { method: 'GET' })
  }

  /** Presses the button of the first form of the page. */
  submit({ url, text }: Shown, change: Readonly<Record<string, string>> = {}, headers: Record<string, string> = {}): Promise<Shown> {
    const action = /<form[^>]*action="([^"]*)"/.exec(text)?.[1] ?? url
    const fields = [...text.matchAll(/<input[^>]*name="([^"]*)"[^>]*value="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value])
    const body = new URLSearchParams({ ...Object.fromEntries(fields), ...change })
    const target = new URL(action.replaceAll('&#38;', '&').replaceAll('&amp;', '&'), url)
    return this.go(target.href, { method: 'POST', body, headers: { origin: target.origin, ...headers } })
  }

  private async go(start: string, init: RequestInit): Promise<Shown> {
    let url = start
    let request = init
    for (let hops = 0; hops < 15; hops += 1) {
      this.visited.push(url)
      const { hostname, pathname } = new URL(url)
      if (pathname === this.stopAt) return { url, status: 0, headers: new Headers(), text: '' }
      const jar = this.cookies.get(hostname) ?? new Map<string, Cookie>()
      this.cookies.set(hostname, jar)
      const cookie = [...jar.values()]
        .filter(({ path }) => pathname.startsWith(path))
        .map(({ name, value }) => `${name}=${value}`)
        .join('; ')
      const answer = await fetch(url, {
        ...request,
        redirect: 'manual',
        headers: { ...(request.headers as Record<string, string>), cookie },
      })
      for (const line of answer.headers.getSetCookie()) {
        const [pair = ''] = line.split(';')
        const at = pair.indexOf('=')
        const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
        const path = /;\s*path=([^;]*)/i.exec(line)?.[1] ?? '/'
        if (/expires=Thu, 01 Jan 1970|max-age=0(;|$)/i.test(line)) jar.delete(`${name} ${path}`)
        else jar.set(`${name} ${path}`, { name, value, path })
      }
      const location = answer.headers.get('location')
      if (answer.status < 300 || answer.status > 399 || location === null) {
        return { url, status: answer.status, headers: answer.headers, text: await answer.text() }
      }
      await answer.body?.cancel()
      url = new URL(location, url).href
      request = answer.status === 307 ? request : { method: 'GET' }
    }
    throw new Error(`too many redirects from ${start}: ${this.visited.map((one) => one.slice(0, 200)).join(' ')}`)
  }
}
