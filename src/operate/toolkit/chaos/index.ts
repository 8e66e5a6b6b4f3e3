// Faults on purpose, in three layers between a client and its server: bytes of TCP, messages over HTTP, and the lines of a child.
export { type BlackHole, startBlackHole } from './black-hole.ts'
export { type L4Fault, type L4Proxy, startL4Proxy } from './l4-proxy.ts'
export * as l7Faults from './l7-faults.ts'
export { type L7Fault, type L7Proxy, startL7Proxy, type Turn } from './l7-proxy.ts'
export { type Asked, type Match, type Rule, Rules } from './rules.ts'
export type { StdioFault } from './stdio-fault.ts'
export { type StdioPlan, stdioShim } from './stdio-plan.ts'
