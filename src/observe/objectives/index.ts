// Objectives of tools and servers, as the assembly composes them.
export { ObjectiveStore, objectivesDomain } from './objective-store.ts'
export { type ObjectiveReport, Objectives } from './objectives.ts'
