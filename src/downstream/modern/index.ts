// The modern revision as every door with modern clients uses it (HTTP and stdio): messages in, messages out, no transport.
export { type Answer, createModernWriter, type ModernWriter } from './answer.ts'
export { hasClaim, hasValidModernClaim, isModernRevision, isObject, type Message, missingClaim } from './envelope.ts'
export { oneLine } from './line.ts'
export { type Asked, cancelledId, type HeaderRungs, type Hop, type Received, type Refused, rawIdOf, receive } from './receive.ts'
