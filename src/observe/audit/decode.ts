// Rows of the audit from their lines. What is in a store may have been written by anybody: what is none becomes undefined, never a throw.
import { type About, type AuditRow, places as at, rowFormat, rowLength } from './row.ts'

/** `hash`, `prev`: in hex. */
export function decodeRow(line: string, chain: string, seq: number, prev: string, hash: string): AuditRow | undefined {
  const row = arrayOf(line)
  if (row === undefined || row.length !== rowLength || row[at.format] !== rowFormat) return undefined
  const [tenant, issuer, subject, clientId, actors, via, credential] = list(row[at.caller])
  const [client, clientVersion, transport, revision, mount] = list(row[at.client])
  const [run, runSource, turn, team, why] = list(row[at.run])
  const [method, upstream, item, itemKind, version, contract, readOnly] = list(row[at.target])
  const time = row[at.at]
  if (typeof row[at.about] !== 'string' || typeof time !== 'number') return undefined
  return {
    chain,
    seq,
    at: time,
    about: row[at.about] as About,
    id: text(row[at.id]) ?? '',
    tenant: text(tenant),
    issuer: text(issuer),
    subject: text(subject),
    clientId: text(clientId),
    actors: texts(actors) ?? [],
    via: text(via),
    credential: text(credential) ?? '',
    client: text(client),
    clientVersion: text(clientVersion),
    transport: text(transport),
    revision: text(revision),
    mount: text(mount),
    run: text(run),
    runSource: text(runSource),
    turn: text(turn),
    team: text(team),
    why: text(why),
    trace: text(row[at.trace]),
    method: text(method),
    upstream: text(upstream),
    item: text(item),
    itemKind: text(itemKind),
    version: number(version),
    contract: text(contract),
    readOnly: readOnly === 1 ? true : readOnly === 0 ? false : null,
    decision: row[at.allowed] === 1 ? 'allowed' : row[at.allowed] === 0 ? 'denied' : 'none',
    rule: text(row[at.rule]) ?? '',
    lease: text(row[at.lease]),
    reason: text(row[at.reason]),
    outcome: text(row[at.outcome]),
    fault: faultOf(row[at.fault]),
    termination: text(row[at.termination]),
    arguments: row[at.arguments] ?? null,
    result: resultOf(row[at.result]),
    usage: usageOf(row[at.usage]),
    attempts: number(row[at.attempts]) ?? 0,
    attempted: list(row[at.attempted]).map(attemptOf),
    ms: number(row[at.ms]),
    parkedMs: number(row[at.parkedMs]),
    phases: list(row[at.phases]).map((phase) => ({ name: text(list(phase)[0]) ?? '', ms: number(list(phase)[1]) ?? 0 })),
    stream: streamOf(row[at.stream]),
    found: text(row[at.found]),
    suspect: texts(row[at.suspect]),
    masked: masksOf(row[at.masked]),
    coerced: texts(row[at.coerced]),
    bytesIn: number(row[at.bytesIn]),
    requestId: text(row[at.requestId]),
    prev,
    hash,
  }
}

function arrayOf(line: string): readonly unknown[] | undefined {
  try {
    const read: unknown = JSON.parse(line)
    return Array.isArray(read) ? read : undefined
  } catch {
    return undefined
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function text(value: unknown): string | null {
  return typeof value === 'string' ? value : null
}

function number(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}

function texts(value: unknown): readonly string[] | null {
  return Array.isArray(value) ? value.filter((one) => typeof one === 'string') : null
}

function faultOf(value: unknown): AuditRow['fault'] {
  if (!Array.isArray(value)) return null
  const [kind, category, sideEffect, message] = value.map((one) => text(one) ?? '')
  return { kind: kind ?? '', category: category ?? '', sideEffect: sideEffect ?? '', message: message ?? '' }
}

function resultOf(value: unknown): AuditRow['result'] {
  if (!Array.isArray(value)) return null
  const [bytes, rows, tokens, shape] = value
  return { bytes: number(bytes) ?? 0, rows: number(rows), tokens: number(tokens), shape: text(shape) }
}

function usageOf(value: unknown): AuditRow['usage'] {
  if (!Array.isArray(value)) return null
  const [sent, got, cost] = value.map((one) => number(one) ?? 0)
  return { sent: sent ?? 0, got: got ?? 0, cost: cost ?? 0 }
}

function attemptOf(value: unknown): AuditRow['attempted'][number] {
  const [n, ms, fault, evidence, isError] = list(value)
  return { number: number(n) ?? 0, ms: number(ms) ?? 0, fault: text(fault), evidence: text(evidence), isError: isError === 1 }
}

function streamOf(value: unknown): AuditRow['stream'] {
  if (!Array.isArray(value)) return null
  const [events, bytes, firstMs, longestGapMs] = value.map((one) => number(one) ?? 0)
  return { events: events ?? 0, bytes: bytes ?? 0, firstMs: firstMs ?? 0, longestGapMs: longestGapMs ?? 0 }
}

function masksOf(value: unknown): AuditRow['masked'] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, number] => typeof entry[1] === 'number'))
}
