// What an agent is told of a doubtful result, in words: what was found, what is usual, and what not to conclude from it.
import { onOneLine } from '../../../core/text/terminal.ts'
import type { Reason } from '../looked.ts'
import { rowsInOwnWords, violationInOwnWords } from './own-words.ts'

const longest = 300

/** One line for all reasons; it begins with `suspect: `. */
export function noteOf(reasons: readonly Reason[]): string {
  return `suspect: ${reasons.map(inWords).join(' Also: ')}`
}

export function inWords(reason: Reason): string {
  const { kind, rule } = reason
  const usual = usualOf(reason.usual)
  const seen = cut(reason.seen)
  switch (kind) {
    case 'empty':
      return `${sentence('zero rows', usual)} The source may be failing: do not conclude that nothing exists; say so or check another way. [empty/${rule}]`
    case 'error_text':
      return `${sentence('this text is an error message although the tool reported success', usual)} What was asked for was not done or not found out. [error_text/${rule}]`
    case 'truncated':
      return `${sentence('this answer is cut off before its end', usual)} Do not take it for the whole. [truncated/${rule}]`
    case 'result_schema':
      return `${sentence(`this answer is not of the schema that the tool declares${violation(reason.seen)}`, usual)} Do not rely on its fields. [result_schema/${rule}]`
    case 'frozen':
      return `${sentence('this answer is the same as before, where it used to differ', usual)} It may be an old one: check another way before you rely on it. [frozen/${rule}]`
    case 'size':
      return `${sentence(`the size of this answer is not as usual${seen === '' ? '' : ` (${seen})`}`, usual)} [size/${rule}]`
    case 'result_shape':
      return `${sentence(`this answer has another shape than before${seen === '' ? '' : ` (${seen})`}`, usual)} Fields may be missing or mean something else. [result_shape/${rule}]`
    case 'rows':
      return `${sentence(`the number of rows is not as usual${seen === '' ? '' : ` (${seen})`}`, usual)} Some may be missing. [rows/${rule}]`
  }
}

function violation(seen: string | undefined): string {
  const said = seen === undefined || seen === '' ? 'it has no structured content' : cut(violationInOwnWords(seen))
  return said === '' ? '' : ` (${said})`
}

/** Where there was nothing before, that it was not so says nothing. */
function usualOf(usual: string | undefined): string {
  return usual === undefined || usual.startsWith('0 of 0 ') ? '' : cut(rowsInOwnWords(usual))
}

function sentence(said: string, usual: string): string {
  if (usual === '') return `${said}.`
  return `${said}. ${usual.charAt(0).toUpperCase()}${usual.slice(1)}${/[.!?]$/.test(usual) ? '' : '.'}`
}

function cut(text: string | undefined): string {
  if (text === undefined) return ''
  const line = onOneLine(text)
  return line.length > longest ? `${line.slice(0, longest)}…` : line
}
