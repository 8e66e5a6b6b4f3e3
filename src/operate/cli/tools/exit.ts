// Exit codes of `signalbox tools` and `signalbox probe`: continuous integration tells by them what changed. They have tables of their own,
// since here 10 to 15 say what was found, and whatever keeps a command from finding anything is 2.

export const toolsExit = {
  ok: 0,
  /** `diff`: something differs. */
  differs: 1,
  /** A server, a file or an argument. */
  cannotTell: 2,
  additive: 10,
  behavioural: 11,
  breaking: 12,
  /** New words that somebody has to read first. */
  held: 13,
  /** `approve`, `reject`: not what was seen. */
  notSeen: 14,
  /** `deprecate`: callers would be left too little. `approve`: a translation that lacks something, or is not proved. */
  refused: 15,
  interrupted: 130,
} as const

export type ToolsExit = (typeof toolsExit)[keyof typeof toolsExit]

const notSeen = 'the contract is not the one of --expect; nothing was changed'
const cannotTell = 'it cannot be told: a server, a file or an argument is the reason'

export const toolsExitMeanings: Readonly<
  Record<'ls' | 'lock' | 'diff' | 'check' | 'approve' | 'reject' | 'deprecate' | 'probe', Readonly<Record<number, string>>>
> = {
  ls: { 0: 'fine', 2: cannotTell },
  lock: { 0: 'written', 2: `${cannotTell}; nothing was written` },
  diff: { 0: 'the same', 1: 'they differ', 2: cannotTell },
  check: {
    0: 'nothing that --fail-on names',
    2: cannotTell,
    10: 'additive changes, with --fail-on any',
    11: 'behavioural changes (hints, defaults, texts), with --fail-on behavioural or any',
    12: 'changes that break callers, or may: breaking, unknown, ignored, or a tool that is gone',
    13: 'new words that somebody has to read first',
  },
  approve: {
    0: 'approved',
    2: cannotTell,
    14: notSeen,
    15: 'the translation (--adapter) lacks something, or is not proved; the reason is told, and nothing was changed',
  },
  reject: { 0: 'rejected', 2: cannotTell, 14: notSeen },
  deprecate: { 0: 'planned, or taken back', 2: cannotTell, 15: 'refused; the reason is told, and nothing was planned' },
  probe: {
    0: 'the same contracts, and results of the same shape',
    1: 'results differ in their values only, with --values',
    2: cannotTell,
    10: 'additive differences of contracts',
    11: 'behavioural differences of contracts, or results of another shape',
    12: 'contracts that break callers, or a call that works in one environment only',
  },
}

export function toolsExitText(command: keyof typeof toolsExitMeanings): string {
  const lines = Object.entries({ ...toolsExitMeanings[command], [toolsExit.interrupted]: 'ended by Ctrl-C' }).map(
    ([code, meaning]) => `  ${code.padStart(3)}  ${meaning}`,
  )
  return `\nExit codes of this command:\n${lines.join('\n')}`
}
