// `signalbox login`: signs the person in at a gateway, so that `ls` and `call` can show who asks.
import { forTerminal } from '../../core/text/terminal.ts'
import { ClientProblem } from '../client/client.ts'
import { signIn } from '../client/sign-in.ts'
import { keepToken } from '../client/tokens.ts'
import { styleFor } from '../text.ts'
import { type ExitCode, exit } from './exit.ts'

export interface LoginOptions {
  readonly url: string
  readonly clientId?: string
  readonly scope?: string
  readonly json?: boolean
  /** Forget what was got. */
  readonly out?: boolean
}

export async function login(options: LoginOptions): Promise<ExitCode> {
  const { url, clientId, scope } = options
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    process.stderr.write(`${forTerminal(url)} is no address; write it as https://mcp.example.com/mcp\n`)
    return exit.usage
  }
  if (options.out === true) {
    keepToken(url, undefined, process.env)
    process.stderr.write(`Signed out of ${url} on this machine. What it was given can be revoked there.\n`)
    return exit.ok
  }
  const cancel = new AbortController()
  const stop = (): void => cancel.abort()
  process.once('SIGINT', stop)
  try {
    const show = (address: string): void => {
      process.stderr.write(`Open this page to sign in; Ctrl-C gives up:\n\n  ${forTerminal(address)}\n\n`)
    }
    const token = await signIn({ url, clientId, scope, show, signal: cancel.signal })
    const path = keepToken(url, token, process.env)
    if (options.json === true)
      process.stdout.write(`${JSON.stringify({ url, issuer: token.issuer, expiresAt: token.expiresAt ?? null })}\n`)
    else
      process.stderr.write(`${styleFor(process.stderr).good('Signed in.')} ${forTerminal(path)} keeps the token for \`ls\` and \`call\`.\n`)
    return exit.ok
  } catch (thrown) {
    if (!(thrown instanceof ClientProblem)) throw thrown
    process.stderr.write(`${forTerminal(thrown.message)}\n`)
    return cancel.signal.aborted ? exit.interrupted : exit.failed
  } finally {
    process.off('SIGINT', stop)
  }
}
