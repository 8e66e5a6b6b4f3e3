// That a form was filled in on a page of ours, in the browser that was shown it: a token of the form that belongs to a cookie, and the origin.
import { createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Random } from '../core/ports/clock.ts'

export interface Forms {
  /** What tells this browser from another; sets the cookie where there is none. */
  browser(req: IncomingMessage, res: ServerResponse): string
  /** Undefined where the browser was shown no page of ours. */
  knownBrowser(req: IncomingMessage): string | undefined
  /** The token for a form. `of`: what the form is for. */
  token(req: IncomingMessage, res: ServerResponse, of: string): string
  isOurs(req: IncomingMessage, of: string, token: string | null): boolean
}

export interface FormParts {
  readonly key: string
  readonly cookie: string
  /** Of the public address. */
  readonly origin: string
  readonly random: Random
}

export function createForms({ key, cookie, origin, random }: FormParts): Forms {
  const tokenOf = (browser: string, of: string): string =>
    createHmac('sha256', key)
      .update(JSON.stringify(['form', browser, of]))
      .digest('base64url')
  const browserOf = (req: IncomingMessage, res: ServerResponse): string => {
    const known = cookieOf(req, cookie)
    if (known !== undefined) return known
    const browser = Buffer.from(random.bytes(24)).toString('base64url')
    setCookie(res, cookie, browser, origin)
    return browser
  }

  return {
    browser: browserOf,
    knownBrowser: (req) => cookieOf(req, cookie),
    token: (req, res, of) => tokenOf(browserOf(req, res), of),
    isOurs: (req, of, token) => {
      const browser = cookieOf(req, cookie)
      if (browser === undefined || token === null) return false
      if (req.headers.origin !== undefined && req.headers.origin !== origin) return false
      const [given, expected] = [Buffer.from(token), Buffer.from(tokenOf(browser, of))]
      return given.length === expected.length && timingSafeEqual(given, expected)
    },
  }
}

function cookieOf(req: IncomingMessage, name: string): string | undefined {
  const pairs = (req.headers.cookie ?? '').split(';').map((pair) => pair.trim())
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1)
}

/** Until the browser ends. */
function setCookie(res: ServerResponse, name: string, value: string, origin: string): void {
  const secure = origin.startsWith('https:') ? ['Secure'] : []
  res.appendHeader('Set-Cookie', [`${name}=${value}`, 'Path=/', 'HttpOnly', 'SameSite=Lax', ...secure].join('; '))
}
