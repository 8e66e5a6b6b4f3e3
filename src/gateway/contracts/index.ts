// The face of the room: contracts of tools and what changes of them mean.
export { type Canonical, canonical } from './canonical.ts'
export { digestsOf } from './digests.ts'
export { judge } from './judge.ts'
export { likeness } from './likeness.ts'
