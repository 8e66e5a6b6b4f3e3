// Lists of which some items are nested deeper than what is read of a message. Those are replaced by marks that tell their names, so that the
// rest of the list is read; whoever judges items sets the marks aside.
import { isUtf8 } from 'node:buffer'
import { type Incoming, readMessage } from './jsonrpc.ts'
import { vendorPrefix } from './names.ts'
import { asBuffer, Keys, MemberWalk, maxDepth, passValue, type Span, skipSpace, TooDeep } from './scan.ts'

/** Stands in place of what an item held. */
export const tooDeepKey = `${vendorPrefix}tooDeep`
/** Levels that are counted around an item: the result and the list. */
const around = 2
/** Levels that an item may have. */
export const itemDepth = maxDepth - around

const listKeys = new Keys(['tools', 'prompts', 'resources', 'resourceTemplates', 'skills'])
/** What items are called by. */
const nameKeys = new Keys(['name', 'uri', 'uriTemplate'])
/** Bytes of a name that is kept. */
const longestName = 4_096

/** As `readMessage`, of a peer that may list what is nested too deep. */
export function readListing(bytes: Uint8Array): Incoming {
  try {
    return readMessage(bytes)
  } catch (error) {
    const rest = error instanceof TooDeep ? withoutDeepItems(bytes) : undefined
    if (rest === undefined) throw error
    return readMessage(rest)
  }
}

/** Undefined where the message is no JSON, or no list with such items. */
function withoutDeepItems(bytes: Uint8Array): Uint8Array | undefined {
  if (!isJson(bytes)) return undefined
  const list = listIn(bytes)
  if (list === undefined) return undefined
  const parts: Uint8Array[] = []
  let from = 0
  let at = skipSpace(bytes, list.start + 1)
  while (bytes[at] !== closeBracket) {
    const end = passValue(bytes, at)
    if (isDeeper(bytes, at, end)) {
      parts.push(bytes.subarray(from, at), markOf(bytes, at))
      from = end
    }
    at = skipSpace(bytes, end)
    // A comma, since the array is known to be JSON.
    if (bytes[at] !== closeBracket) at = skipSpace(bytes, at + 1)
  }
  parts.push(bytes.subarray(from))
  return Buffer.concat(parts)
}

/** By the parser of the platform, whose depth has no bound. */
function isJson(bytes: Uint8Array): boolean {
  if (!isUtf8(bytes)) return false
  try {
    JSON.parse(asBuffer(bytes).toString('utf8'))
    return true
  } catch (error) {
    if (error instanceof SyntaxError) return false
    throw error
  }
}

function listIn(bytes: Uint8Array): Span | undefined {
  const at = skipSpace(bytes, 0)
  const result = bytes[at] === openBrace ? memberOf(bytes, at, resultKeys) : undefined
  const list = result !== undefined && bytes[result.start] === openBrace ? memberOf(bytes, result.start, listKeys) : undefined
  return list !== undefined && bytes[list.start] === openBracket ? list : undefined
}

const resultKeys = new Keys(['result'])

function memberOf(bytes: Uint8Array, at: number, keys: Keys): Span | undefined {
  const walk = new MemberWalk(bytes, at, 'before')
  while (walk.next()) if (walk.indexIn(keys) >= 0) return walk.span()
  return undefined
}

function isDeeper(bytes: Uint8Array, start: number, end: number): boolean {
  let depth = 0
  for (let at = start; at < end; at += 1) {
    const c = bytes[at]
    if (c === quote) at = passValue(bytes, at) - 1
    else if (c === openBrace || c === openBracket) {
      depth += 1
      if (depth > itemDepth) return true
    } else if (c === closeBrace || c === closeBracket) depth -= 1
  }
  return false
}

function markOf(bytes: Uint8Array, at: number): Uint8Array {
  const kept: string[] = []
  if (bytes[at] === openBrace) {
    const walk = new MemberWalk(bytes, at, 'before')
    while (walk.next()) {
      if (walk.indexIn(nameKeys) < 0 || bytes[walk.start] !== quote || walk.end - walk.start > longestName) continue
      kept.push(asBuffer(bytes).toString('utf8', walk.keyAt, walk.end))
    }
  }
  return Buffer.from(`{${[...kept, `${JSON.stringify(tooDeepKey)}:true`].join(',')}}`)
}

const quote = 0x22
const openBrace = 0x7b
const closeBrace = 0x7d
const openBracket = 0x5b
const closeBracket = 0x5d
