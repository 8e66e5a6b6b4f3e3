// What a text that is no JSON says without any history: that it is an error, that nothing was found, or that it was cut. The rules go from
// what is surely one to what may be; what looks at words looks at short texts only, or at the beginning.
import { asBuffer } from '../../../core/protocol/scan.ts'
import type { Format } from '../looked.ts'
import { excerptOf } from './excerpt.ts'
import type { Found } from './json-rules.ts'
import { badTitles, codes, failures, nothing, openers } from './phrases.ts'

export interface TextFound extends Found {
  readonly kind: 'hidden_error' | 'empty'
}

export interface TextRead {
  /** The beginning, at most 2 KiB, decoded. */
  readonly head: string
  /** There is no more of it than the beginning. */
  readonly isWhole: boolean
  readonly lines: number
  readonly bytes: number
  /** What the tool gives is made by others, or is about anything: its words are none of the tool. */
  readonly isPayload: boolean
  readonly learned: Format | undefined
  /** 5 % of the tool's answers have fewer bytes; 0: not known. */
  readonly usuallyAtLeast: number
  readonly args: Uint8Array | undefined
}

const mostOfNothing = 160
const mostOfProse = 320
const mostLinesOfProse = 4
/** A tool that gives JSON gives no prose, unless something failed. */
const mostOfProseForJson = 1_200
const mostLinesOfProseForJson = 12
const mostOfFailure = 80

export function judgeText(text: TextRead): TextFound | undefined {
  const { head, isPayload, learned, bytes, usuallyAtLeast } = text
  if (head.charCodeAt(0) === lessThan) {
    const found = inMarkup(head)
    if (found !== undefined) return found
  }
  const isShort = text.isWhole && head.length <= mostOfNothing
  if (isShort && saysNothing(head)) return { kind: 'empty', rule: 'no_results', weak: false, excerpt: undefined }
  if (sure.test(head.slice(0, 200))) return hidden(sureRule(head), false, head)
  if (beginsAsData.test(head)) return undefined
  if (isPayload && learned !== 'json' && learned !== 'jsonl' && !(usuallyAtLeast > 0 && bytes < 0.7 * usuallyAtLeast)) return undefined
  if (stack.test(head.slice(0, 400))) return hidden('stack', false, head)
  const isJsonTool = learned === 'json' || learned === 'jsonl'
  const most = isJsonTool ? mostOfProseForJson : mostOfProse
  if (!text.isWhole || head.length > most || text.lines > (isJsonTool ? mostLinesOfProseForJson : mostLinesOfProse)) return undefined
  return inProse(text)
}

function hidden(rule: string, weak: boolean, words: string): TextFound {
  return { kind: 'hidden_error', rule, weak, excerpt: excerptOf(words) }
}

const lessThan = 0x3c

// --- Pages and XML

const page = /^<(?:!doctype html|html|head|body|!--)/i
const title = /<(title|h1)\b[^<>]{0,200}>\s{0,40}([^<]{1,160})/i
const badTitle = new RegExp(`^(?:${badTitles})$`, 'i')
const xmlError =
  /^(?:<\?xml[^>]{0,200}>\s{0,40})?(?:<!--[^>]{0,200}-->\s{0,40})?<(?:[\w-]{1,30}:)?(?:error|fault|errors|errorresponse|exception|exceptionreport|serviceexceptionreport|exceptions)\b/i
const soap = /^(?:<\?xml[^>]{0,200}>\s{0,40})?<(?:[\w-]{1,30}:)?envelope\b/i
const soapFault = /<(?:[\w-]{1,30}:)?fault\b/i
const xmlWords =
  /<(?:[\w-]{1,30}:)?(?:message|faultstring|text|reason|exceptiontext|detail|description)\b[^<>]{0,200}>\s{0,40}([^<]{1,300})/i

function inMarkup(head: string): TextFound | undefined {
  if (page.test(head)) {
    const said = title.exec(head)?.[2]?.trim()
    return said !== undefined && badTitle.test(said.replaceAll('&amp;', '&')) ? hidden('error_page', false, said) : undefined
  }
  const isError = xmlError.test(head) || (soap.test(head) && soapFault.test(head))
  return isError ? hidden('xml_error', false, xmlWords.exec(head)?.[1] ?? head) : undefined
}

// --- Nothing was found

const ascii = (patterns: Readonly<Record<string, string>>, isEnglish: boolean) =>
  Object.entries(patterns)
    .filter(([language]) => (language === 'en') === isEnglish)
    .map(([, pattern]) => pattern)
    .join('|')
const around = ['^[\\s"\'«»“”*_(\\[🔍ℹ️❌⚠️]*(?:', ')[\\s.!。！؟"\'“”*_)\\]]*$'] as const
const nothingInEnglish = new RegExp(around[0] + ascii(nothing, true) + around[1], 'iu')
const nothingElsewhere = new RegExp(around[0] + ascii(nothing, false) + around[1], 'iu')
/** Of errors and the like there may well be none, and a failure says that of what it needs. */
const ofErrors = /\b(?:errors?|warnings?|problems?|violations?|vulnerabilit|failures?|conflicts?|command not found)\b/i
/** Some letter of what says it in English. */
const mayBeNothing = /\b(?:no|not|0|zero|nothing|empty|none|null|nil|na|n\/a|nan|undefined|doesn|don|did|could|set)\b|^\W*$/i

function saysNothing(head: string): boolean {
  const isForeign = hasForeign(head)
  if (mayBeNothing.test(head) && nothingInEnglish.test(head)) return !ofErrors.test(head)
  // Some of these words are spelt in letters of English alone.
  return (isForeign || mayBeForeign.test(head)) && nothingElsewhere.test(head) && !beginsAsError(head)
}

const mayBeForeign =
  /\b(?:kein|nicht|nichts|aucun|introuvable|pas de|rien|sin |no (?:se|hay|exist)|encontr|nenhum|sem |nada|ness?un|non|niente|nulla|geen|niets|niet|brak|nie|sonu|kay|veri|belge|dosya|bulun|ning)/i

function hasForeign(text: string): boolean {
  for (let i = 0; i < text.length; i += 1) if (text.charCodeAt(i) > 0x7e) return true
  return false
}

// --- Surely an error

const sure =
  /^\W{0,3}(?:(?:(?:error|exception)\W{1,3})?(?:mcp error|mcperror|rpc error|json-?rpc error)\W{1,3}(?:code ?[=:] ?)?(?:-?\d{3}|\w{3,20} desc)|\[object Object\]|error (?:executing|calling) tool\b|(?:input|output) validation error\b|unknown tool:|tool \S{1,80} not found\b)/i

function sureRule(head: string): string {
  return head.includes('[object Object]') ? 'object_object' : 'mcp_error'
}

/** Lines of logs, and marks of a document. */
const beginsAsData =
  /^(?:\[?\d{4}[-/]\d\d[-/]\d\d|\[?\d\d:\d\d:\d\d|<\d{1,3}>|(?:time|ts|level|lvl|msg)=|\[?(?:INFO|WARN(?:ING)?|DEBUG|TRACE|NOTICE|ERROR|FATAL|SEVERE)\]?\s{1,3}[[\d(]|(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} \d\d:|[\w./\\-]{1,200}\.\w{1,8}:\d{1,6}\b|#{1,6} |[-*•+] |\d{1,3}[.)] |> ?|\||```|---|===|\+--|diff --git|@@ )/

const stack =
  /^\W{0,3}(?:Traceback \(most recent call last\)|panic: |goroutine \d{1,6} \[|thread '[^']{1,80}' panicked at|Exception in thread |(?:Uncaught |Unhandled |Caused by: |System\.)?(?:[A-Za-z_$][\w$]{0,60}[.:]{1,2}){1,12}\w{0,60}(?:Exception|Error|Throwable)\b|(?:PHP )?Fatal error: |(?:[a-z_]\w{0,40}\.){1,6}(?:errors?|exceptions?)\.[A-Z]\w{2,60}: |Stack trace:|[A-Z]\w{0,60}(?:Error|Exception): [^\n]{0,300}\n {2,8}at )/

// --- Prose

const wordOpeners = ascii(openers, true)
const otherOpeners = ascii(openers, false)
const lead = '^[\\s\\W]{0,6}?'
const openerInEnglish = new RegExp(`${lead}(?:${wordOpeners})`, 'i')
const openerElsewhere = new RegExp(`^[\\s"'«“(\\[*_!❌⚠️🚫✗✖]{0,6}(?:${otherOpeners})`, 'iu')
const failureInEnglish = new RegExp((failures.en ?? []).join('|'), 'i')
const failureElsewhere = new RegExp(
  Object.entries(failures)
    .filter(([language]) => language !== 'en')
    .flatMap(([, patterns]) => patterns)
    .join('|'),
  'iu',
)
const code = new RegExp(codes)
/** Speaks of errors in general, as documents and answers to questions do. */
const explains =
  /\b(?:means|indicates|refers to|occurs when|happens when|is (?:returned|raised|thrown|shown) (?:when|if)|how to|for example|such as|in this (?:article|guide|chapter|section)|error (?:handling|codes?|budgets?|rates?|messages?|pages?|logs?|reporting|correction|bars?|margin)|if (?:you|the|a|an|it)\b|whenever|when (?:you|a|an|the)\b|you can|you should|best practice|troubleshoot)/i
/** What is denied. */
const denied = /\b(?:no|0|without|zero|not|never|any|fixed|fixes|resolved|prevents?|avoids?|handles?)\W{1,3}(?:\w{1,20}\W{1,3})?$/i

function inProse({ head, args }: TextRead): TextFound | undefined {
  if (openingOf(head) !== undefined) {
    const clause = head.slice(0, 80).split(/[:.\n]/, 1)[0] ?? ''
    return explains.test(head) || wasGiven(clause.length < 10 ? head.slice(0, 60) : clause, args)
      ? undefined
      : hidden('error_opening', true, head)
  }
  const begin = head.slice(0, mostOfFailure)
  const isForeign = hasForeign(begin)
  if (!mayFail(head) && !isForeign) {
    const found = mayHaveCode(head) ? code.exec(head) : null
    return found === null || wasGiven(found[0], args) ? undefined : hidden('error_code', true, head)
  }
  // What begins within the first characters may end a little after them.
  const near = head.slice(0, mostOfFailure * 2)
  const found = failureInEnglish.exec(near) ?? failureElsewhere.exec(near) ?? code.exec(head)
  if (found === null || found.index >= mostOfFailure) return undefined
  if (denied.test(head.slice(Math.max(0, found.index - 40), found.index)) || explains.test(head) || wasGiven(found[0], args))
    return undefined
  return hidden('failure_phrase', true, head)
}

function openingOf(head: string): string | undefined {
  const first = head.charCodeAt(0)
  // Of the beginnings in English most have one of these letters.
  const found = openerLetters[first < 128 ? first : 127] === 1 || first < 0x41 ? openerInEnglish.exec(head)?.[0] : undefined
  if (found !== undefined) return found
  return first > 0x7e || hasForeign(head.slice(0, 40)) || otherLetters[first] === 1 ? openerElsewhere.exec(head)?.[0] : undefined
}

/** Letters, small and capital, with which the words of a table begin. */
function letters(said: string): Uint8Array {
  const table = new Uint8Array(128)
  for (const letter of said) {
    table[letter.charCodeAt(0)] = 1
    table[letter.toUpperCase().charCodeAt(0)] = 1
  }
  return table
}
const openerLetters = letters('abcdefghijklmnopqrstuvwxyz')
const otherLetters = letters('abcdefghijklmnopqrstuvwxyz')

function beginsAsError(head: string): boolean {
  return openingOf(head) !== undefined
}

function mayHaveCode(head: string): boolean {
  return /E[CTHNPAMBR]|SQL|ORA-|getaddrinfo|Msg |TNS-|DPY-|UND_/.test(head)
}

// Four letters of each phrase that is spelt in letters of English: a text in which none of them stands has no phrase, and is not held against
// their patterns.
const stems =
  "exhaust|timed|refus|reset|clos|abort|lost|timeout|fail|could|couldn|cannot|can't|unable|able to|unavail|internal|gateway|error|wrong|down|busy|overload|unreach|respond|gone|offline|mainten|at the mo|right now|at this t|currently|again|too many|deadlock|memory|space|route|service|healthy|unexpected|exited|http |expired|login|access d|name res|hang up|broken|certificate|denied|wait|cancel|kill|locked|syntax|circuit|quota|handshake|terminat|resource|verbind|konnte|nicht|indispon|réess|ne répond|no se p|no resp|non disp|non risp|riprova|tempo|tente|kon niet|niet|probeer|przekro|no dispon|inténtelo|n'a pas|daha|pool|connect|connex|conness|return|versuch|tiempo|abgel|unterbr|nie udal"
/** A bit for each four letters. */
const begins = new Uint8Array(1 << 17)
for (const stem of stems.split('|')) {
  let letters = 0
  for (let at = 0; at < 4; at += 1) letters = withLetter(letters, stem.toLowerCase(), at)
  begins[letters >> 3] = (begins[letters >> 3] as number) | (1 << (letters & 7))
}

/** The last four letters, without case, five bits each. */
function withLetter(letters: number, text: string, at: number): number {
  return ((letters << 5) | (text.charCodeAt(at) & 31)) & 0xfffff
}

/** One of them begins within the first characters. */
function mayFail(head: string): boolean {
  const end = Math.min(head.length, mostOfFailure + 3)
  let letters = 0
  for (let at = 0; at < end; at += 1) {
    letters = withLetter(letters, head, at)
    if (((begins[letters >> 3] as number) & (1 << (letters & 7))) !== 0) return true
  }
  return false
}

/** The caller said it: the answer is about that. */
function wasGiven(words: string, args: Uint8Array | undefined): boolean {
  if (args === undefined || words.length < 4) return false
  const given = asBuffer(args)
  if (given.length > mostArguments) return false
  return given.toString('utf8').toLowerCase().includes(JSON.stringify(words.trim().toLowerCase()).slice(1, -1))
}

const mostArguments = 65_536
