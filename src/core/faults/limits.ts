// Faults of limits on what agents may use. They are the agent's matter, whatever the server is: its call was one too many.
import type { FaultKind } from './fault.ts'

export const limitFaults = {
  rate_limited: {
    category: 'tool',
    status: 200,
    code: -32603,
    retryable: true,
    protocol: false,
    agent:
      '{what} may be {how} {limit} times in {window}, and that many were made. {effect} The next call is taken after {wait}; go on with other work until then. To call sooner changes nothing.',
    operator:
      'A rate of `tools`, `prompts`, `resources` or `servers` is used up; `scope` says whose. `signalbox limits show` lists what is used, `limits clear` gives it back.',
  },
  budget_exhausted: {
    category: 'tool',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent: 'The budget of {whose} is used up: {used} of {limit} {what}{per}. {effect} {next}',
    operator:
      'A budget of `budgets` is used up; `scope` says whose. `signalbox limits show` lists what is used, `limits clear` gives it back.',
  },
  loop_detected: {
    category: 'tool',
    status: 200,
    code: -32603,
    retryable: false,
    protocol: false,
    agent:
      '{what} was called {used} times in {window} with the same arguments{cycle}. {effect} The same call is refused for {wait}. Do not repeat it: read the answers that you have, change the arguments or the plan, or tell the user what is missing.',
    operator:
      'An agent repeats itself (`loops.identical`). Where the repetition is meant, raise the limit or turn it `off`; look at what the tool answers that the agent does not take in.',
  },
} as const satisfies Record<string, FaultKind>
