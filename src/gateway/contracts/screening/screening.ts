// Looks at the words of a change: at the sentences that are new in a tool's definition, and at no others. What is held keeps the old words
// shown; notes are for operators. docs/contracts.md lists the rules, and what they find and miss.
import type { ToolContract } from '../../../core/call/contract.ts'
import { addressesIn, isKnownAddress } from './addresses.ts'
import {
  type HeldRule,
  handsOver,
  hidden,
  type NewSentence,
  type NoteRule,
  rulesOfSentences,
  sendsToAddress,
  wordsOfEmphasis,
} from './screening-rules.ts'
import { keyOf, sentencesOf, type Text, textsOf } from './sentences.ts'

export interface Finding<Rule extends string = HeldRule | NoteRule> {
  readonly rule: Rule
  /** Of the definition, with what cannot be seen written as escapes; at most 300 characters. */
  readonly sentence: string
  /** JSON Pointer into the definition. */
  readonly pointer: string
}

export interface Screening {
  readonly held: readonly Finding<HeldRule>[]
  readonly notes: readonly Finding[]
}

export interface ScreeningContext {
  /** Names of tools of other servers, as their servers and as callers know them. */
  readonly otherTools?: ReadonlySet<string>
  /** Host names that are known of this server: its own address, those of its documentation. */
  readonly addresses?: readonly string[]
}

/** Findings of one kind that are told. */
const most = 20
const longestSentence = 300

/**
 * Without an old definition every sentence is new: then a rule that says something of changes alone (an address that was not there, a secret
 * that is named) holds only where the sentence asks to hand something over, and else is noted. Never throws for what a server sent.
 */
export function screen(old: ToolContract | undefined, now: ToolContract, context: ScreeningContext = {}): Screening {
  const before = old === undefined ? { texts: [], cut: false } : textsOf(old)
  const after = textsOf(now)
  const found = new Findings()
  if (after.cut) found.hold('too-long', 'there is more text than can be looked at', '')
  const known = new Set<string>()
  for (const { text } of before.texts) for (const sentence of sentencesOf(text)) known.add(keyOf(sentence))
  const texts = new Set(before.texts.map(({ text }) => text))
  const addresses = [...(context.addresses ?? []), ...before.texts.flatMap(({ text }) => addressesIn(text))]
  const others = context.otherTools ?? none
  const own = typeof now.name === 'string' ? now.name : ''
  for (const { pointer, text } of after.texts) {
    if (texts.has(text)) continue
    const what = hidden(text)
    // What a text hides need not be in one sentence.
    if (
      what !== undefined &&
      !known.has(keyOf(text)) &&
      !before.texts.some((one) => hidden(one.text) === what && one.pointer === pointer)
    ) {
      found.hold('hidden-characters', what, pointer)
    }
    judgeText({ pointer, text }, { known, addresses, others, own, isFirst: old === undefined }, found)
  }
  if (before.texts.length > 0) compareWholes(before.texts, after.texts, found)
  return found
}

const none: ReadonlySet<string> = new Set()

interface Known {
  readonly known: ReadonlySet<string>
  readonly addresses: readonly string[]
  readonly others: ReadonlySet<string>
  readonly own: string
  readonly isFirst: boolean
}

function judgeText({ pointer, text }: Text, { known, addresses, others, own, isFirst }: Known, found: Findings): void {
  const news = sentencesOf(text).filter((sentence) => !known.has(keyOf(sentence)))
  for (const sentence of news) {
    const read: NewSentence = { text: readable(sentence), others, own }
    if (hidden(sentence) !== undefined) found.hold('hidden-characters', sentence, pointer)
    for (const rule of rulesOfSentences) {
      if (!rule.finds(read)) continue
      if (rule.holds && !(isFirst && rule.name === 'secrets-and-paths' && !handsOver(read.text))) found.hold(rule.name, sentence, pointer)
      else found.note(rule.name, sentence, pointer)
    }
    if (!addressesIn(read.text).some((address) => !isKnownAddress(address, addresses))) continue
    if (!isFirst || sendsToAddress(read.text)) found.hold('outside-address', sentence, pointer)
  }
  // One thought in two sentences.
  if (news.length > 1 && !found.has('talks-past-user', pointer)) {
    const together = news.join(' ')
    const rule = rulesOfSentences.find(({ name }) => name === 'talks-past-user')
    if (rule?.finds({ text: readable(together.replace(/[.\n]+/g, ' ')), others, own }) === true) {
      found.hold('talks-past-user', together, pointer)
    }
  }
}

/** How much louder and longer a text has to be to be noted. */
const grownBy = 2.5
const leastGrowth = 200
const leastEmphasis = 3

function compareWholes(before: readonly Text[], after: readonly Text[], found: Findings): void {
  const length = (texts: readonly Text[]): number => texts.reduce((sum, { text }) => sum + text.length, 0)
  const loud = (texts: readonly Text[]): number => texts.reduce((sum, { text }) => sum + wordsOfEmphasis(text), 0)
  const [was, is] = [length(before), length(after)]
  if (is >= grownBy * was && is - was >= leastGrowth) found.note('grew', `${was} characters of text became ${is}`, '')
  const more = loud(after) - loud(before)
  if (more >= leastEmphasis) found.note('emphasis', `${more} more words in capitals that press`, '')
}

class Findings implements Screening {
  readonly held: Finding<HeldRule>[] = []
  readonly notes: Finding[] = []

  hold(rule: HeldRule, sentence: string, pointer: string): void {
    if (!this.has(rule, pointer, sentence)) add(this.held, rule, sentence, pointer)
  }

  note(rule: HeldRule | NoteRule, sentence: string, pointer: string): void {
    add(this.notes, rule, sentence, pointer)
  }

  has(rule: HeldRule, pointer: string, sentence?: string): boolean {
    const text = sentence === undefined ? undefined : visible(sentence)
    return this.held.some((one) => one.rule === rule && one.pointer === pointer && (text === undefined || one.sentence === text))
  }
}

function add<Rule extends string>(list: Finding<Rule>[], rule: Rule, sentence: string, pointer: string): void {
  if (list.length < most) list.push({ rule, sentence: visible(sentence), pointer })
}

/** As rules read it: one form of each character, nothing between letters that cannot be seen, one blank between words. */
function readable(sentence: string): string {
  return sentence
    .normalize('NFKC')
    .replace(/[\p{Cf}\p{Co}\u115f\u1160\u3164]|\p{Variation_Selector}|\u034f/gu, '')
    .replace(/[\p{Cc}\p{Z}]+/gu, ' ')
    .replace(/[’‘]/g, "'")
    .replace(/[*_`]{2,}/g, '')
}

function visible(sentence: string): string {
  const cut = sentence.length > longestSentence ? `${sentence.slice(0, longestSentence - 1)}…` : sentence
  return cut
    .trim()
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}]|\p{Variation_Selector}/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
}

/** For logs and operators, one line each. */
export function findingText({ rule, sentence, pointer }: Finding): string {
  return `${rule}${pointer === '' ? '' : ` at ${pointer}`}: ${sentence}`
}
