// The OAuth side of an SDK client whose person has no screen: the address that it would open is walked through by a browser of the tests, and
// the answer is kept for `finishAuth`. It fits the provider interfaces of SDK 1.x and 2.x, which are of one shape.
import type { Browser } from '../../peers/browser.ts'
import { password } from './rig.ts'

export interface Tokens {
  access_token: string
  refresh_token?: string
  token_type: string
  scope?: string
}

export class SdkLogin {
  readonly redirectUrl = 'http://127.0.0.1:49200/callback'
  readonly clientMetadataUrl?: string
  /** What the client asked the person for, each time. */
  readonly asked: URL[] = []
  /** Where the person was sent back to with the code. */
  answer: URL | undefined
  current: Tokens | undefined
  client: Record<string, unknown> | undefined
  private verifier = ''
  private readonly browser: Browser
  private discovery: unknown

  constructor(browser: Browser, document?: string) {
    this.browser = browser
    if (document !== undefined) this.clientMetadataUrl = document
  }

  get clientMetadata() {
    return { client_name: 'SDK client', redirect_uris: [this.redirectUrl], token_endpoint_auth_method: 'none' }
  }

  state(): string {
    return 'sdk-state'
  }

  clientInformation(): never {
    return this.client as never
  }

  saveClientInformation(client: unknown): void {
    this.client = client as Record<string, unknown>
  }

  tokens(): never {
    return this.current as never
  }

  saveTokens(tokens: unknown): void {
    this.current = tokens as Tokens
  }

  saveCodeVerifier(verifier: string): void {
    this.verifier = verifier
  }

  codeVerifier(): string {
    return this.verifier
  }

  saveDiscoveryState(state: unknown): void {
    this.discovery = state
  }

  discoveryState(): never {
    return this.discovery as never
  }

  async redirectToAuthorization(address: URL): Promise<void> {
    this.asked.push(address)
    let at = await this.browser.open(address)
    for (let step = 0; step < 3 && at.status !== 0; step += 1) {
      if (/name="password"/.test(at.text)) at = await this.browser.submit(at, { name: 'ada', password })
      else if (/value="allow"/.test(at.text)) at = await this.browser.submit(at, { answer: 'allow' })
      else throw new Error(`The sign-in stopped: ${at.status} ${at.text}`)
    }
    this.answer = at.url
  }

  get code(): string {
    const code = this.answer?.searchParams.get('code')
    if (code === null || code === undefined) throw new Error(`There is no code: ${this.answer}`)
    return code
  }
}
