// Reads one page of the admin door of a running gateway, or says for a person why it cannot.
import { request } from 'undici'
import { defaultAdminUrl } from './default-urls.ts'
import { destinationOf } from './destination.ts'
import { wholeBody } from './whole-body.ts'

const largestAnswer = 4_194_304

/** `member` of what stands at `path`: a list, or what went wrong. */
export async function readAdmin(url: string, path: string, member: string): Promise<readonly unknown[] | string> {
  const destination = destinationOf(url, '/')
  if (destination === undefined) return `${url} is no address; write it as ${defaultAdminUrl}`
  const { url: base, ...through } = destination
  const address = through.dispatcher === undefined ? new URL(path, base) : url
  try {
    const token = process.env.SIGNALBOX_ADMIN_TOKEN
    const headers = token === undefined || token === '' ? {} : { authorization: `Bearer ${token}` }
    const { statusCode, body } = await request(new URL(path, base), { headersTimeout: 5_000, bodyTimeout: 5_000, headers, ...through })
    const bytes = statusCode === 200 ? await wholeBody(body, largestAnswer) : undefined
    if (statusCode === 401) {
      await body.dump()
      return `${address} asks for its token: give what stands in \`admin.token\` of \`stateDir\` as SIGNALBOX_ADMIN_TOKEN.`
    }
    if (bytes === undefined) {
      if (statusCode !== 200) await body.dump()
      return `${address} answered with HTTP ${statusCode}${statusCode === 200 ? ` and more than ${largestAnswer} bytes` : ''}; is it the admin door of a gateway (\`admin.listen\`, by default ${defaultAdminUrl})?`
    }
    const answer: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'))
    const list = (answer as Readonly<Record<string, unknown>> | null)?.[member]
    return Array.isArray(list) ? list : `${address} answered, but with no list of ${member}; is it the admin door of a gateway?`
  } catch (thrown) {
    const reason = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : String(thrown)
    return `No gateway answers at ${address} (${reason}). Start it with \`signalbox up\`, or name its admin door.`
  }
}
