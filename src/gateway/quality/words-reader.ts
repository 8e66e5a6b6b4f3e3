// What one server says is read for words that refuse a credential or limit the rate of calls: in results that report an error, in short ones
// where the gateway gives the server a credential, and in errors of JSON-RPC. Results stay bytes: what is read of them are their first texts.
import type { TargetedCall } from '../../core/call/call.ts'
import type { Complete } from '../../core/call/outcome.ts'
import type { Decisions } from '../../core/ports/decisions.ts'
import type { WordsReader } from '../../core/ports/refusing-words.ts'
import type { Report } from '../../core/ports/report.ts'
import { asBuffer, elements, MemberWalk, skipSpace, text } from '../../core/protocol/scan.ts'
import { refusingWords } from './auth-text.ts'
import { longestPlain, type Said } from './error-text.ts'
import { limitingWords } from './limit-text.ts'

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
  /** There could be a credential that is refused: not of a process to which nothing is given, whose words are about its machine. */
  readonly refusable?: boolean
  readonly now: () => number
  readonly report: Report
  readonly decisions: Decisions
}

export function createWordsReader(parts: WordsReaderParts): WordsReader {
  const { upstream, credentialed, refusable = true, report, decisions } = parts
  const told = new Set<string>()
  return {
    shortBytes: credentialed ? longestPlain + wrapping : 0,
    inResult: (result, call) => (refusable ? firstOf(result, (said) => refusingWords(said, (words) => isEchoed(words, call))) : undefined),
    inError: (message, call) => (refusable ? refusingWords({ text: message, isError: true }, (words) => isEchoed(words, call)) : undefined),
    limitInResult: (result, call) => firstOf(result, (said) => limitingWords(said, (words) => isEchoed(words, call), parts.now())),
    limitInError: (message, call) => limitingWords({ text: message, isError: true }, (words) => isEchoed(words, call), parts.now()),
    limited: ({ rule, retryAfterMs }, call) => {
      report.counters.add('suspect', { upstream, reason: 'limit_text' })
      const severity = told.has(rule) ? 'debug' : 'warn'
      told.add(rule)
      const event = 'A service behind a server limits the rate of calls, and says so in words'
      report.log(severity, event, { upstream, call: call.id, item: itemOf(call), rule, retryAfterMs })
    },
    heeded: (words, call, credential) => {
      const { principal } = call.caller
      const item = itemOf(call)
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

function itemOf(call: TargetedCall): string | undefined {
  return 'item' in call ? (call.item as { readonly name: string }).name : call.target
}

/** What the first of its texts is that is any of it. A success with more than one text, or with something beside texts, is more than a refusal. */
function firstOf<T>({ result, facts }: Complete, read: (said: Said) => T | undefined): T | undefined {
  const { isError } = facts
  if (facts.bytes > mostBytes) return undefined
  for (const text of textsOf(result.bytes, isError ? mostTexts : 1) ?? []) {
    const found = read({ text, isError })
    if (found !== undefined) return found
  }
  return undefined
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
