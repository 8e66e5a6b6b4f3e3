// The questions that a server asks during one call and that wait for its client: bounded for each call, and in bytes for all calls together.
import { type Payload, payload } from '../../core/call/payload.ts'
import type { ServerRequest } from './server-requests.ts'

/** Of one call: how many may wait, and how many bytes of them. */
const mostOfCall = 64
const bytesOfCall = 8_388_608

/** What the waiting questions of all calls may hold, in bytes. */
export class QuestionBudget {
  private readonly mostBytes: number
  private held = 0

  constructor(mostBytes = 67_108_864) {
    this.mostBytes = mostBytes
  }

  get bytes(): number {
    return this.held
  }

  take(bytes: number): boolean {
    if (this.held + bytes > this.mostBytes) return false
    this.held += bytes
    return true
  }

  giveBack(bytes: number): void {
    this.held -= bytes
  }
}

export class CallQuestions {
  private readonly budget: QuestionBudget
  private readonly waiting = new Map<string, ServerRequest>()
  private bytes = 0
  private asked = 0

  constructor(budget: QuestionBudget) {
    this.budget = budget
  }

  get size(): number {
    return this.waiting.size
  }

  /** In the order of asking, each under the key that its response will have. */
  entries(): ReadonlyMap<string, ServerRequest> {
    return this.waiting
  }

  /** False where there is no room. */
  add(question: ServerRequest): boolean {
    const bytes = sizeOf(question)
    if (this.waiting.size >= mostOfCall || this.bytes + bytes > bytesOfCall || !this.budget.take(bytes)) return false
    this.bytes += bytes
    this.asked += 1
    this.waiting.set(`q${this.asked}`, { ...question, params: ownMemory(question.params) })
    return true
  }

  remove(key: string): void {
    const question = this.waiting.get(key)
    if (question === undefined) return
    this.waiting.delete(key)
    this.freed(sizeOf(question))
  }

  /** The key of the question with this id of the server's. */
  keyOf(id: string): string | undefined {
    for (const [key, question] of this.waiting) if (question.id === id) return key
    return undefined
  }

  /** All of them, which are nobody's from now on. */
  takeAll(): readonly ServerRequest[] {
    const all = [...this.waiting.values()]
    this.waiting.clear()
    this.freed(this.bytes)
    return all
  }

  private freed(bytes: number): void {
    this.bytes -= bytes
    this.budget.giveBack(bytes)
  }
}

function sizeOf({ id, params }: ServerRequest): number {
  return id.length + (params?.size ?? 0)
}

/** A view would keep the chunk that it came in. */
function ownMemory(params: Payload | undefined): Payload | undefined {
  return params === undefined ? undefined : payload(Buffer.from(params.bytes))
}
