// What one server says is read for words that refuse a credential: in results that report an error, in short ones where the gateway gives the
// server a credential, and in errors of JSON-RPC. Results stay bytes: what is read of them are their first texts.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { WordsReader } from '../../core/ports/refusing-words.ts'
import type { Report } from '../../core/ports/report.ts'
import { asBuffer, elements, MemberWalk, skipSpace, text } from '../../core/protocol/scan.ts'
import { longestPlain, refusingWords } from './auth-text.ts'

/** Larger results are no refusals. */
const mostBytes = 8_192
/** Texts of a result that are read. */
const mostTexts = 4
/** Names and braces around a text that is given for a success. */
const wrapping = 200

export interface WordsReaderParts {
  readonly upstream: string
  /** The gateway gives the server something to show elsewhere: `auth`, `headers`, or an environment of its process. */
  readonly credentialed: boolean
  readonly now: () => number
  readonly report: Report
  readonly decisions: Decisions
}

export function createWordsReader(parts: WordsReaderParts): WordsReader {
  const { upstream, credentialed, report, decisions } = parts
  const told = new Set<string>()
  return {
    shortBytes: credentialed ? longestPlain + wrapping : 0,
    inResult: ({ result, facts }, call) => {
      const { isError } = facts
      if (facts.bytes > mostBytes) return undefined
      // A success with more than one text, or with something beside texts, is more than a refusal.
      const texts = textsOf(result.bytes, isError ? mostTexts : 1)
      for (const one of texts ?? []) {
        const found = refusingWords({ text: one, isError }, (words) => isEchoed(words, call))
        if (found !== undefined) return found
      }
      return undefined
    },
    inError: (message, call) => refusingWords({ text: message, isError: true }, (words) => isEchoed(words, call)),
    heeded: (words, call, credential) => {
      const { principal } = call.caller
      const item = 'item' in call ? (call.item as { readonly name: string }).name : call.target
      report.counters.add('suspect', { upstream, reason: 'auth_text' })
      const event = 'A server refused its credential in words, with no status that says so'
      // One that goes on is in the audit, call by call.
      const severity = told.has(words.rule) ? 'debug' : 'warn'
      told.add(words.rule)
      report.log(severity, event, { upstream, call: call.id, item, credential, rule: words.rule, says: words.says })
      decisions.note({
        id: call.id,
        atMs: parts.now(),
        about: 'credential',
        allowed: false,
        principal,
        method: call.method,
        upstream,
        item,
        rule: `auth_text.${words.rule}`,
        credential,
        run: call.run,
        reason:
          words.says === 'invalid'
            ? 'the server says that the credential is not valid'
            : 'the server says that the credential may not do this',
      })
    },
  }
}

/** The text blocks of `content`, at most so many; undefined where there are more blocks, or others. */
function textsOf(result: Uint8Array, most: number): readonly string[] | undefined {
  const walk = new MemberWalk(result, skipSpace(result, 0), 'before')
  while (walk.next()) {
    if (!walk.keyIs('content')) continue
    if (result[walk.start] !== openBracket) return undefined
    const blocks = elements(result, walk.start)
    if (blocks.length === 0 || blocks.length > most) return undefined
    const texts: string[] = []
    for (const { start } of blocks) {
      const found = textOf(result, start)
      if (found === undefined) return undefined
      texts.push(found)
    }
    return texts
  }
  return undefined
}

const openBracket = 0x5b
const openBrace = 0x7b
const quote = 0x22

function textOf(result: Uint8Array, at: number): string | undefined {
  if (result[at] !== openBrace) return undefined
  const block = new MemberWalk(result, at, 'before')
  while (block.next()) if (block.keyIs('text')) return result[block.start] === quote ? text(result, block.start, block.end) : undefined
  return undefined
}

/** The caller named it. */
function isEchoed(words: string, call: TargetedCall): boolean {
  return asBuffer(call.params.bytes).includes(JSON.stringify(words).slice(1, -1))
}
