// A browser without a screen: keeps cookies by path, follows redirects within the server, and fills in the forms of its pages.

export interface Shown {
  readonly status: number
  readonly url: URL
  readonly text: string
  readonly headers: Headers
}

interface Cookie {
  readonly name: string
  readonly value: string
  readonly path: string
}

/** Stops at the first address of another origin, which is where a client takes its answer. */
export class Browser {
  readonly cookies = new Map<string, Cookie>()
  /** Every `Set-Cookie` that came. */
  readonly set: string[] = []
  private readonly base: string
  private readonly through: typeof globalThis.fetch

  constructor(base: string, through: typeof globalThis.fetch = globalThis.fetch) {
    this.base = base
    this.through = through
  }

  open(address: string | URL): Promise<Shown> {
    return this.go(new URL(address, this.base), { method: 'GET' })
  }

  /** Sends the form of a page, with its hidden fields. */
  submit(page: Shown, fields: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}): Promise<Shown> {
    const action = /<form method="post" action="([^"]+)"/.exec(page.text)?.[1]
    if (action === undefined) throw new Error(`There is no form: ${page.status} ${page.text.slice(0, 400)}`)
    const hidden = [...page.text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ])
    const body = new URLSearchParams({ ...Object.fromEntries(hidden), ...fields })
    return this.go(new URL(action, page.url), {
      method: 'POST',
      body,
      headers: { origin: page.url.origin, ...headers },
    })
  }

  private async go(to: URL, init: RequestInit): Promise<Shown> {
    let url = to
    let next = init
    for (let hops = 0; hops < 12; hops += 1) {
      if (url.origin !== new URL(this.base).origin) return { status: 0, url, text: '', headers: new Headers() }
      const sent = [...this.cookies.values()]
        .filter(({ path }) => url.pathname.startsWith(path))
        .map(({ name, value }) => `${name}=${value}`)
      const headers = { accept: 'text/html', ...(next.headers as Record<string, string>), cookie: sent.join('; ') }
      const answer = await this.through(url, { ...next, headers, redirect: 'manual' })
      for (const line of answer.headers.getSetCookie()) this.keep(line)
      const location = answer.headers.get('location')
      if (location === null || answer.status < 300 || answer.status > 399) {
        return { status: answer.status, url, text: await answer.text(), headers: answer.headers }
      }
      await answer.body?.cancel()
      url = new URL(location, url)
      next = { method: 'GET' }
    }
    throw new Error('It redirects without end')
  }

  private keep(line: string): void {
    this.set.push(line)
    const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
    const at = pair.indexOf('=')
    const [name, value] = [pair.slice(0, at), pair.slice(at + 1)]
    const path = attributes.find((attribute) => /^path=/i.test(attribute))?.slice(5) ?? '/'
    if (value === '') this.cookies.delete(`${name} ${path}`)
    else this.cookies.set(`${name} ${path}`, { name, value, path })
  }
}
