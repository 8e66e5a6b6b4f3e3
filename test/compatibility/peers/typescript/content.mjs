// What both TypeScript servers of the fixture offer.
export const note = 'compat://note'
export const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
export const schema = { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] }
export const says = (text) => ({ content: [{ type: 'text', text }] })
export const names = (prefix) => ['Ada', 'Alan'].filter((name) => name.startsWith(prefix))
/** Between events: the clients of these SDKs lose an event that comes in one piece with the answer. */
export const pause = () => new Promise((resolve) => setTimeout(resolve, 100))
