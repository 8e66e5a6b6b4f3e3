// An SDK client that finds the authorization server by what the gateway answers, has its person sign in, and connects.
import { Client, StreamableHTTPClientTransport, UnauthorizedError } from '@modelcontextprotocol/client'
import { SdkLogin } from '../doubles/authorization/sdk-login.ts'
import { Browser } from '../peers/browser.ts'

/** What the person does at the first page. The default: nothing, since the server asks nobody. */
export type AtThePage = (browser: Browser, page: Awaited<ReturnType<Browser['open']>>) => Promise<Awaited<ReturnType<Browser['open']>>>

/** A client with a person at a browser of its own. */
export class Person extends SdkLogin {
  private readonly browsing = new Browser()
  private readonly act: AtThePage

  constructor(act: AtThePage = async (_browser, page) => page) {
    super(undefined as never)
    this.act = act
    this.browsing.stopAt = '/callback'
  }

  override async redirectToAuthorization(address: URL): Promise<void> {
    this.asked.push(address)
    let page = await this.browsing.open(address.href)
    for (let step = 0; step < 4 && page.status !== 0; step += 1) page = await this.act(this.browsing, page)
    if (page.status !== 0) throw new Error(`The sign-in stopped at ${page.url}: ${page.status} ${page.text.slice(0, 400)}`)
    this.answer = page.url
  }
}

/** Connects, with a sign-in where the gateway asks for one. */
export async function connectAs(person: Person, url: string): Promise<Client> {
  const made = () => {
    const client = new Client({ name: 'sdk', version: '2.4.0' }, { versionNegotiation: { mode: { pin: '2026-07-28' } } })
    return { client, transport: new StreamableHTTPClientTransport(new URL(url), { authProvider: person as never }) }
  }
  const first = made()
  try {
    await first.client.connect(first.transport)
    return first.client
  } catch (error) {
    if (!(error instanceof UnauthorizedError)) throw error
  }
  await first.transport.finishAuth(person.answer?.searchParams ?? new URLSearchParams())
  const second = made()
  await second.client.connect(second.transport)
  return second.client
}

/** Brings the answer that the person was sent back with. */
export const finish = ({ transport }: Client, person: Person): Promise<void> =>
  (transport as StreamableHTTPClientTransport).finishAuth(person.answer?.searchParams ?? new URLSearchParams())

export const toolsOf = async (client: Client): Promise<string[]> =>
  (await client.listTools(undefined, { cacheMode: 'bypass' })).tools.map(({ name }) => name).sort()
