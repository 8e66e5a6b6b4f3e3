// How a call learns that it is over. An `AbortSignal` fits this face; our own costs a tenth of it, and every call has one.

/** A function, or an object that saves one: the two forms that an `EventTarget` takes. */
export type SignalListener = (() => void) | { handleEvent(): void }

export interface Signal {
  readonly aborted: boolean
  readonly reason: unknown
  addEventListener(type: 'abort', listener: SignalListener, options?: { readonly once?: boolean }): void
  removeEventListener(type: 'abort', listener: SignalListener): void
}

/** A signal with its switch. Listeners run once, in order, at the moment of `abort`, which throws what the first of them threw once all ran. */
export class Switch implements Signal {
  aborted = false
  reason: unknown
  private listeners: SignalListener[] | undefined

  abort(reason: unknown): void {
    if (this.aborted) return
    this.aborted = true
    this.reason = reason
    const told = this.listeners ?? []
    this.listeners = undefined
    let bug: { readonly thrown: unknown } | undefined
    for (const listener of told) {
      try {
        if (typeof listener === 'function') listener()
        else listener.handleEvent()
      } catch (thrown) {
        bug ??= { thrown }
      }
    }
    if (bug !== undefined) throw bug.thrown
  }

  addEventListener(_type: 'abort', listener: SignalListener): void {
    if (this.aborted) return
    if (this.listeners === undefined) this.listeners = [listener]
    else if (!this.listeners.includes(listener)) this.listeners.push(listener)
  }

  removeEventListener(_type: 'abort', listener: SignalListener): void {
    const at = this.listeners?.indexOf(listener) ?? -1
    if (at >= 0) this.listeners?.splice(at, 1)
  }
}
