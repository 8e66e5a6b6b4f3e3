// Asks the admin door of a running gateway, or says for a person why it cannot.
import { userInfo } from 'node:os'
import { request } from 'undici'
import { isObject } from '../../core/protocol/is-object.ts'
import { SseParser } from '../../core/protocol/sse.ts'
import { defaultAdminUrl } from './default-urls.ts'
import { destinationOf } from './destination.ts'
import { wholeBody } from './whole-body.ts'

const largestAnswer = 4_194_304

interface Wanted {
  readonly path: string
  /** Sent with POST, where there is one. */
  readonly body?: object
  readonly timeoutMs: number
  /** Takes a refusal that says why. */
  readonly refused?: { status?: number; body?: Readonly<Record<string, unknown>> }
}

/** `member` of all pages of the list at `path`, each of which names the next, or of the first `most`; or what went wrong. */
export async function readAdmin(
  url: string,
  path: string,
  member: string,
  most = Number.POSITIVE_INFINITY,
): Promise<readonly unknown[] | string> {
  const found: unknown[] = []
  for (let cursor: unknown; ; ) {
    const page = typeof cursor === 'string' ? `&cursor=${encodeURIComponent(cursor)}` : ''
    const answer = await ask(url, {
      path: `${path}${path.includes('?') ? '&' : '?'}limit=${Math.min(pageSize, most - found.length)}${page}`,
      timeoutMs: 5_000,
    })
    if (typeof answer === 'string') return answer
    const list = answer[member]
    if (!Array.isArray(list)) return `${url} answered, but with no list of ${member}; is it the admin door of a gateway?`
    found.push(...list)
    if (typeof answer.next !== 'string' || answer.next === cursor || list.length === 0 || found.length >= most) return found.slice(0, most)
    cursor = answer.next
  }
}

const pageSize = 500

/** What is at `path`, or what went wrong. */
export async function getAdmin(url: string, path: string): Promise<Readonly<Record<string, unknown>> | string> {
  const refused: NonNullable<Wanted['refused']> = {}
  const answer = await ask(url, { path, timeoutMs: 10_000, refused })
  const { status, body } = refused
  // What is asked about is not there, or was asked wrongly: the door is the right one.
  const isItsOwn = status === 404 || status === 400 || status === 503
  return typeof answer === 'string' && isItsOwn && typeof body?.detail === 'string' ? body.detail : answer
}

/** What came of what was sent to `path`, or what went wrong. */
export function sendAdmin(url: string, path: string, body: object, timeoutMs: number): Promise<Readonly<Record<string, unknown>> | string> {
  return ask(url, { path, body, timeoutMs })
}

/** What was answered to what was sent, a refusal with its reason as well; a sentence where there was no answer of an admin door. */
export async function postAdmin(
  url: string,
  path: string,
  body: object,
  timeoutMs: number,
): Promise<{ readonly status: number; readonly body: Readonly<Record<string, unknown>> } | string> {
  const refused: { status?: number; body?: Readonly<Record<string, unknown>> } = {}
  const answer = await ask(url, { path, body, timeoutMs, refused })
  if (typeof answer !== 'string') return { status: 200, body: answer }
  return refused.status === undefined || refused.body === undefined ? answer : { status: refused.status, body: refused.body }
}

async function ask(url: string, { path, body: sent, timeoutMs, refused }: Wanted): Promise<Readonly<Record<string, unknown>> | string> {
  const destination = destinationOf(url, '/')
  if (destination === undefined) return `${url} is no address; write it as ${defaultAdminUrl}`
  const { url: base, ...through } = destination
  const address = through.dispatcher === undefined ? new URL(path, base) : url
  try {
    const headers = {
      ...(sent === undefined ? {} : operator()),
      ...shownToken(),
      ...(sent === undefined ? {} : { 'content-type': 'application/json' }),
    }
    const { statusCode, body } = await request(new URL(path, base), {
      method: sent === undefined ? 'GET' : 'POST',
      ...(sent === undefined ? {} : { body: JSON.stringify(sent) }),
      headersTimeout: timeoutMs,
      bodyTimeout: 5_000,
      headers,
      ...through,
    })
    if (statusCode === 401) {
      await body.dump()
      return askedForToken(address)
    }
    const bytes = await wholeBody(body, largestAnswer)
    const answer = bytes === undefined ? undefined : parsed(bytes)
    if (statusCode === 200 && isObject(answer)) return answer
    const said = isObject(answer) && typeof answer.detail === 'string' ? `: ${answer.detail}` : ''
    if (refused !== undefined && said !== '' && isObject(answer)) Object.assign(refused, { status: statusCode, body: answer })
    // What is asked about is not there, or not for who asks: the door is the right one.
    if (said !== '' && (statusCode === 403 || (sent !== undefined && (statusCode === 404 || statusCode === 400))))
      return `${address} refused it${said}`
    if (sent !== undefined && said !== '' && statusCode === 503) return `${address} could not do it${said}`
    const much = statusCode === 200 && bytes === undefined ? ` and more than ${largestAnswer} bytes` : ''
    return otherAnswer(address, `HTTP ${statusCode}${much}`)
  } catch (thrown) {
    return noAnswer(address, thrown)
  }
}

/**
 * Hears the events at `path` until `signal` aborts or the gateway ends them. Undefined where `signal` did; else why there are none, or none any more.
 */
export async function hearAdmin(
  url: string,
  path: string,
  heard: (event: string, data: unknown) => void,
  signal: AbortSignal,
): Promise<string | undefined> {
  const destination = destinationOf(url, '/')
  if (destination === undefined) return `${url} is no address; write it as ${defaultAdminUrl}`
  const { url: base, ...through } = destination
  const address = through.dispatcher === undefined ? new URL(path, base).origin : url
  try {
    const { statusCode, body } = await request(new URL(path, base), { headers: shownToken(), bodyTimeout: quietMs, signal, ...through })
    if (statusCode === 401) return askedForToken(address)
    if (statusCode !== 200) {
      const bytes = await wholeBody(body, largestAnswer)
      const answer = bytes === undefined ? undefined : parsed(bytes)
      const said = isObject(answer) && typeof answer.detail === 'string' ? answer.detail : undefined
      return said === undefined ? otherAnswer(address, `HTTP ${statusCode}`) : `${address} refused it: ${said}`
    }
    const parser = new SseParser(largestAnswer)
    for await (const chunk of body) parser.push(chunk as Uint8Array, ({ event, data }) => heard(event, parsed(data)))
    return signal.aborted ? undefined : `${address} ended its events.`
  } catch (thrown) {
    return signal.aborted ? undefined : noAnswer(address, thrown)
  }
}

/** A stream on which not even a comment came for so long is none any more, in ms. */
const quietMs = 60_000

function shownToken(): { readonly authorization?: string } {
  const token = process.env.SIGNALBOX_ADMIN_TOKEN
  return token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }
}

function askedForToken(address: string | URL): string {
  return `${address} asks for its token: give what stands in \`admin.token\` of \`stateDir\`, or a token of yours for this door, as SIGNALBOX_ADMIN_TOKEN.`
}

function otherAnswer(address: string | URL, what: string): string {
  return `${address} answered with ${what}; is it the admin door of a gateway (\`admin.listen\`, by default ${defaultAdminUrl})?`
}

function noAnswer(address: string | URL, thrown: unknown): string {
  const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
  return `No gateway answers at ${address} (${reason}). Start it with \`signalbox up\`, or name its admin door.`
}

/** Who asks, for the audit: the user of this system, as far as a header can say it. */
function operator(): { readonly 'signalbox-operator'?: string } {
  try {
    return { 'signalbox-operator': Buffer.from(userInfo().username).toString('latin1') }
  } catch {
    // A user without a name, as in containers.
    return {}
  }
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'))
  } catch {
    return undefined
  }
}
