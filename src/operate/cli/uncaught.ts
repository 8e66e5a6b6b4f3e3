// The last net under the catch boundaries: a bug that none of them caught may have left anything half done, so the gateway ends, in order.

export interface Uncaught {
  /** Resolves at the first. */
  readonly first: Promise<'uncaught'>
  stop(): void
}

/** Takes what is thrown or rejected and caught nowhere; `told` hears of each. */
export function onUncaught(told: (bug: unknown) => void): Uncaught {
  let first: (bug: 'uncaught') => void = () => undefined
  const heard = (bug: unknown): void => {
    told(bug)
    first('uncaught')
  }
  process.on('uncaughtException', heard)
  process.on('unhandledRejection', heard)
  return {
    first: new Promise((resolve) => {
      first = resolve
    }),
    stop: () => {
      process.off('uncaughtException', heard)
      process.off('unhandledRejection', heard)
    },
  }
}
