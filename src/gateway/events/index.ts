// The events room: changes of lists, updates of resources and news of tasks, for those who listen.
export { createEvents, type Events, type EventsParts, type Watching } from './hub.ts'
