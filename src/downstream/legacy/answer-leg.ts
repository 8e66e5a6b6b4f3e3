// The answer of one leg of a call, on the channel that its request came with.
import type { OpenExchange } from '../../core/call/exchange.ts'
import { internal, type Outcome } from '../../core/call/outcome.ts'
import { type Asked, legacyAnswer } from './answer.ts'
import type { Channel } from './channel.ts'

/** A bug in writing the answer is its call's, which has its record. */
export function answerLeg(asked: Asked, outcome: Outcome, exchange: OpenExchange, channel: Channel): void {
  // Not resolved: the cautious form, since a tool with an output schema may not say it otherwise.
  const declaresOutput = exchange.fact('item')?.declaresOutput ?? true
  const answer = answerOf(asked, outcome, exchange, declaresOutput)
  try {
    exchange.close(channel.answer(answer, outcome.kind === 'fault' ? outcome.fault : undefined))
  } catch (bug) {
    exchange.fail(bug)
    exchange.close('failed')
    channel.cut()
  }
}

function answerOf(asked: Asked, outcome: Outcome, exchange: OpenExchange, declaresOutput: boolean): Buffer {
  try {
    return legacyAnswer(asked, outcome, declaresOutput)
  } catch (bug) {
    exchange.fail(bug)
    return legacyAnswer(asked, internal(asked.correlationId), true)
  }
}
