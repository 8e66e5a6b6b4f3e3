// Contracts judged in a thread, one at a time, within a limit of time. What it cannot say is `unknown`: it never rejects.
import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { breaks, type Digests, type Judgement, type ToolContract } from '../../../core/call/contract.ts'
import type { Clock, Timer } from '../../../core/ports/clock.ts'
import type { ContractJudge, JudgeOptions } from '../../../core/ports/contract-judge.ts'
import { meets } from '../undeclared.ts'
import { translation } from './adapter-proposal.ts'
import type { Judge } from './judge.ts'

export interface Question {
  readonly old: ToolContract
  readonly now: ToolContract
  readonly options: JudgeOptions
}

/** What the thread says: that it is there, then one judgement for each question. */
export type Said = { readonly ready: true } | { readonly judgement: Judgement } | { readonly failed: string }

/** A thread, or what stands for one. */
export interface Thread {
  ask(question: Question): void
  /** Whatever it is in the middle of. */
  end(): void
}

export interface JudgingOptions {
  readonly clock: Clock
  /** Starts a thread; `lost`: it ended by itself. */
  readonly start: (said: (said: Said) => void, lost: (reason: string) => void) => Thread
  /** The longest that one judgement may take, in ms; a thread has as long again to start. */
  readonly limitMs?: number
  /** Questions that may wait. */
  readonly most?: number
}

interface Waiting {
  readonly question: Question
  readonly answer: (judgement: Judgement) => void
}

export function createJudging({ clock, start, limitMs = 2_000, most = 1_000 }: JudgingOptions): ContractJudge {
  const waiting: Waiting[] = []
  let thread: Thread | undefined
  let isReady = false
  let asked: Waiting | undefined
  let timer: Timer | undefined
  let closed = false

  const settle = (judgement: Judgement): void => {
    timer?.cancel()
    timer = undefined
    const one = asked
    asked = undefined
    one?.answer(judgement)
    next()
  }
  /** The thread is gone, or has to go. */
  const lose = (error: string | undefined): void => {
    const gone = thread
    thread = undefined
    isReady = false
    gone?.end()
    if (asked !== undefined) settle(unjudged(asked.question, error))
    else timer?.cancel()
  }
  const hear = (said: Said): void => {
    if ('ready' in said) {
      isReady = true
      if (asked !== undefined) ask(asked)
    } else if (asked !== undefined) settle('failed' in said ? unjudged(asked.question, said.failed) : said.judgement)
  }
  const ask = (one: Waiting): void => {
    timer?.cancel()
    timer = clock.timer(limitMs, () => lose(undefined))
    try {
      thread?.ask(one.question)
    } catch (error) {
      // What cannot be sent to another thread: nested too deep.
      settle(unjudged(one.question, messageOf(error)))
    }
  }
  const open = (): void => {
    let mine: Thread | undefined
    // A thread that was left speaks to nobody.
    const current = (): boolean => mine === undefined || mine === thread
    mine = start(
      (said) => current() && hear(said),
      (reason) => current() && lose(reason),
    )
    thread = mine
  }
  const next = (): void => {
    if (asked !== undefined || closed) return
    asked = waiting.shift()
    if (asked === undefined) return
    try {
      if (thread === undefined) open()
    } catch (error) {
      settle(unjudged(asked.question, messageOf(error)))
      return
    }
    if (isReady) ask(asked)
    else timer ??= clock.timer(limitMs * 2, () => lose('the thread did not start'))
  }

  return {
    judge: (old, now, options = {}) =>
      new Promise((answer) => {
        const question = { old, now, options }
        if (closed) answer(unjudged(question, 'the judge is closed'))
        else if (waiting.length >= most) answer(unjudged(question, 'too many changes wait to be judged'))
        else {
          waiting.push({ question, answer })
          next()
        }
      }),
    close: async () => {
      closed = true
      for (const one of waiting.splice(0)) one.answer(unjudged(one.question, 'the judge is closed'))
      lose('the judge is closed')
    },
  }
}

const ofOthers = 'anything of arguments that callers sent before they were declared'

/** What a thread says to a question. A bug of ours, or more depth than the stack has, may end no more than the answer. */
export function answerTo({ old, now, options }: Question, judge: Judge): Said {
  try {
    const judgement = judge(old, now, options)
    const { propose = false, undeclared = [] } = options
    if (propose === false || !breaks(judgement.verdict)) return { judgement }
    const found = translation(old, now, propose === true ? {} : propose)
    if (found === undefined) return { judgement }
    // What is proved of declared arguments is not proved of those who sent others.
    const adapter = meets(judgement.changes, undeclared)
      ? { ...found, automatic: false, unproved: [...(found.unproved ?? []), ofOthers] }
      : found
    return { judgement: { ...judgement, adapter } }
  } catch (error) {
    return { failed: messageOf(error) }
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Without an error: the time was over. */
function unjudged({ old, now }: Question, error: string | undefined): Judgement {
  const name = typeof now.name === 'string' ? now.name : ''
  const why = error ?? 'it took too long to judge'
  return {
    verdict: 'unknown',
    changes: [],
    ...(error === undefined ? {} : { error }),
    old: byText(old),
    new: byText(now),
    human: `${name}: unknown: ${why}`,
    spent: error === undefined,
  }
}

/** Digests of what was not read: of its text alone, so that they are none that a reading would give. */
function byText(contract: ToolContract): Digests {
  let text: string
  try {
    text = JSON.stringify(contract)
  } catch {
    text = 'nested too deep'
  }
  const digest = createHash('sha256').update(`unread ${text}`).digest('hex')
  return { contract: `c1:${digest}`, hints: `h1:${digest}`, prose: `p1:${digest}`, exact: `x1:${digest}` }
}

/** Memory of the thread, in MB: beyond it the thread ends, and nothing else. */
const heapMb = 256

/** Starts the program at `entry` as a thread. It holds the process only while it is asked something. */
export function threadAt(entry: URL): JudgingOptions['start'] {
  return (said, lost) => {
    const worker = new Worker(entry, { name: 'signalbox-contracts', execArgv: [], resourceLimits: { maxOldGenerationSizeMb: heapMb } })
    worker.on('message', (message: Said) => {
      worker.unref()
      said(message)
    })
    worker.on('error', (error) => lost(messageOf(error)))
    worker.on('messageerror', (error) => lost(messageOf(error)))
    worker.on('exit', (code) => lost(`the thread ended with code ${code}`))
    return {
      ask: (question) => {
        worker.ref()
        worker.postMessage(question)
      },
      end: () => void worker.terminate().catch(() => undefined),
    }
  }
}

/** In this thread, where there can be no other: with limits of steps, and none of time. */
export function sameThread(judge: Judge): JudgingOptions['start'] {
  return (said) => {
    queueMicrotask(() => said({ ready: true }))
    return {
      ask: (question) => queueMicrotask(() => said(answerTo(question, judge))),
      end: () => undefined,
    }
  }
}
