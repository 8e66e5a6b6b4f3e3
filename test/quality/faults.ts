// What goes wrong with a tool while its server goes on to answer 200: answers as they would have been, changed by a fault.
import type { Answer, Archetype, Json } from './archetype.ts'
import type { Random } from './random.ts'

export const faultKinds = [
  'empty',
  'empty, other shape',
  'error text',
  'frozen',
  'half the rows',
  '100 x the size',
  '25 x slow',
  'truncated',
  'wrong schema',
] as const
export type FaultKind = (typeof faultKinds)[number]

/** What a server answers: a result's text, and its structured content where it has any. */
export interface Served {
  readonly text: string
  readonly structured?: unknown
  /** As a real server wrote it. */
  readonly raw?: Buffer
  readonly latencyMs: number
}

/** How a server writes a body: as structured content with its text, or as text alone. */
export function served(answer: Answer, structured: boolean): Served {
  const { body, latencyMs } = answer
  const real = answer.raw === undefined ? {} : { raw: answer.raw }
  if (typeof body === 'string') return { text: body, latencyMs, ...real }
  const text = JSON.stringify(body)
  if (!structured) return { text, latencyMs, ...real }
  return { text, structured: Array.isArray(body) ? { result: body } : body, latencyMs, ...real }
}

/** Texts of failures, as libraries, proxies and authors of servers word them; written without a look at the rules that read results. */
export const errorTexts: readonly string[] = [
  'Something went wrong while processing your request. Please try again later.',
  'Error: connect ECONNREFUSED 10.0.4.17:5432',
  'Unable to reach the database at the moment.',
  'upstream connect error or disconnect/reset before headers. reset reason: connection termination',
  'Query failed: relation "orders" does not exist',
  "Error executing tool: 'NoneType' object has no attribute 'get'",
  'Traceback (most recent call last):\n  File "/app/server.py", line 88, in call\n    rows = db.fetch(sql)\npsycopg.OperationalError: server closed the connection unexpectedly',
  'java.lang.IllegalStateException: Pool not open\n\tat org.apache.commons.pool2.impl.BaseGenericObjectPool.assertOpen(BaseGenericObjectPool.java:713)',
  'Failed to fetch data from API: 503 Service Unavailable',
  'Request timed out after 30000ms',
  'MCP error -32603: Internal error',
  '{"error":"backend unavailable"}',
  '{"success":false,"message":"could not open session"}',
  '{"status":500,"title":"Internal Server Error","type":"about:blank","traceId":"00-4bf9"}',
  '{"errors":[{"message":"Cannot query field \\"items\\"","extensions":{"code":"INTERNAL"}}],"data":null}',
  '{"code":"E_POOL_TIMEOUT","message":"timeout while acquiring a connection","stack":"at Pool.acquire"}',
  '<html><head><title>502 Bad Gateway</title></head><body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body></html>',
  '<!DOCTYPE html><html><head><title>Service Temporarily Unavailable</title></head><body><p>The server is temporarily unable to service your request.</p></body></html>',
  '<?xml version="1.0"?><Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>',
  'ORA-12541: TNS:no listener',
  'SQLSTATE[HY000] [2002] No such file or directory',
  'FATAL: remaining connection slots are reserved for non-replication superuser connections',
  'panic: runtime error: invalid memory address or nil pointer dereference',
  'Fehler: Die Verbindung zur Datenbank konnte nicht hergestellt werden.',
  'Erreur : impossible de contacter le serveur distant.',
  'Error: no se pudo conectar con el servidor.',
  'Ошибка: сервер базы данных недоступен',
  'エラー: データベースに接続できませんでした',
  'Sorry, I could not retrieve the records because the service did not respond.',
  'getaddrinfo ENOTFOUND inventory.internal',
]

const otherEmpties: readonly Pick<Served, 'text'>[] = [
  { text: '' },
  { text: '[]' },
  { text: '{}' },
  { text: 'null' },
  { text: 'No results found.' },
]

function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed)
  if (value === null || typeof value !== 'object') return value
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [`${name.slice(0, 1).toUpperCase()}${name.slice(1)}_v2`, renamed(member)]),
  )
}

/** What an episode or one call of a fault does to an answer; undefined where this tool cannot have it. */
export type Inject = (answer: Answer, latest: Served | undefined) => Served

function many(body: unknown, archetype: Archetype): unknown {
  const rows = archetype.rows
  if (rows !== undefined) {
    const before = rows.read(body)
    if (before.length > 0)
      return rows.write(
        body,
        Array.from({ length: before.length * 100 }, (_, index) => before[index % before.length]),
      )
  }
  if (typeof body === 'string') return Array.from({ length: 100 }, () => body).join('\n')
  return Array.isArray(body) ? [] : { ...(body as Json), history: Array.from({ length: 100 }, () => body) }
}

export function faultOf(
  kind: FaultKind,
  archetype: Archetype,
  structured: boolean,
  random: Random,
  texts: readonly string[] = errorTexts,
): Inject | undefined {
  const write = ({ args, latencyMs }: Answer, body: unknown): Served => served({ args, body, latencyMs }, structured)
  switch (kind) {
    case 'empty':
      return (answer) => write(answer, archetype.empty(answer.body, random))
    case 'empty, other shape': {
      const how = random.pick(otherEmpties)
      return ({ latencyMs }) => ({ ...how, latencyMs })
    }
    case 'error text': {
      const text = random.pick(texts)
      return ({ latencyMs }) => ({ text, latencyMs })
    }
    case 'frozen':
      return (answer, latest) => ({ ...(latest ?? served(answer, structured)), latencyMs: answer.latencyMs })
    case 'half the rows': {
      const rows = archetype.rows
      if (rows === undefined) return undefined
      return (answer) => {
        const all = rows.read(answer.body)
        return write(answer, rows.write(answer.body, all.slice(0, Math.ceil(all.length / 2))))
      }
    }
    case '100 x the size':
      return (answer) => write(answer, many(answer.body, archetype))
    case '25 x slow':
      return (answer) => served({ ...answer, latencyMs: answer.latencyMs * 25 }, structured)
    case 'truncated': {
      const share = 0.3 + 0.6 * random.next()
      return (answer) => {
        const { text, latencyMs } = served(answer, structured)
        return { text: text.slice(0, Math.max(1, Math.floor(text.length * share))), latencyMs }
      }
    }
    case 'wrong schema': {
      const wrapped = random.chance(0.5)
      return (answer) => {
        if (typeof answer.body === 'string') return write(answer, { result: { value: answer.body.slice(0, 40) }, version: 2 })
        return write(answer, wrapped ? { payload: JSON.stringify(answer.body), version: 2 } : renamed(answer.body))
      }
    }
  }
}

/** What an answer must have for a fault to change it: an empty answer that is emptied is no fault. */
export function changes(kind: FaultKind, archetype: Archetype, healthy: Served, faulty: Served): boolean {
  if (kind === '25 x slow') return true
  if (kind === 'empty' || kind === 'empty, other shape') {
    return !isBlank(archetype, healthy) && healthy.text !== faulty.text
  }
  return healthy.text !== faulty.text
}

export function isBlank(archetype: Archetype, answer: Served): boolean {
  return answer.text.trim() === '' || archetype.rows?.read(bodyOf(answer)).length === 0
}

function bodyOf({ text }: Served): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
