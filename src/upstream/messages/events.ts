// Turns notifications of an upstream into events of a call or of a watch.

import { type LogLevel, logLevels } from '../../core/call/call.ts'
import type { CallEvent, Interest } from '../../core/call/exchange.ts'
import { emptyObject } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { metaKey, tasksExtension } from '../../core/protocol/names.ts'
import type { IncomingNotification } from '../wire/wire.ts'

/** The event of `notifications/message`; undefined where its level is none. */
export function logEvent(message: IncomingNotification): Extract<CallEvent, { kind: 'log' }> | undefined {
  const params = message.params?.json()
  const level = isObject(params) ? logLevels.find((known) => known === params.level) : undefined
  return level === undefined || message.params === undefined ? undefined : { kind: 'log', level, params: message.params }
}

/** Members of `_meta` by which servers say whose a message is. Our progress tokens are the ids of their requests. */
const requestNames = ['progressToken', metaKey.subscriptionId, 'io.modelcontextprotocol/relatedRequestId', 'relatedRequestId', 'requestId']

/** The request that a log message names, which the revisions leave to servers. */
export function requestNamedIn(message: IncomingNotification): number | undefined {
  const params = message.params?.json()
  const meta = isObject(params) && isObject(params._meta) ? params._meta : {}
  for (const name of requestNames) {
    const id = meta[name]
    if (typeof id === 'number') return id
    if (typeof id === 'string' && /^[1-9]\d{0,9}$/.test(id)) return Number(id)
  }
  return undefined
}

/** Whether somebody who asked for `wanted` and worse hears a message of `level`. */
export function audible(level: LogLevel, wanted: LogLevel | undefined): boolean {
  return wanted !== undefined && logLevels.indexOf(level) >= logLevels.indexOf(wanted)
}

/** The event of a notification that belongs to no call: changes and updates. */
export function watchEvent(message: IncomingNotification): CallEvent | undefined {
  switch (message.method) {
    case 'notifications/tools/list_changed':
      return { kind: 'changed', list: 'tools' }
    case 'notifications/prompts/list_changed':
      return { kind: 'changed', list: 'prompts' }
    case 'notifications/resources/list_changed':
      return { kind: 'changed', list: 'resources' }
    case 'notifications/resources/updated': {
      const params = message.params?.json()
      if (!isObject(params) || typeof params.uri !== 'string' || message.params === undefined) return undefined
      return { kind: 'updated', uri: params.uri, params: message.params }
    }
    case 'notifications/tasks':
      return { kind: 'extension', method: message.method, params: message.params ?? emptyObject }
    default:
      return undefined
  }
}

/** The lists that an interest names, as the events that say they may have changed. */
export function changesOf(interest: Interest): CallEvent[] {
  const events: CallEvent[] = []
  if (interest.toolsListChanged) events.push({ kind: 'changed', list: 'tools' })
  if (interest.promptsListChanged) events.push({ kind: 'changed', list: 'prompts' })
  if (interest.resourcesListChanged) events.push({ kind: 'changed', list: 'resources' })
  return events
}

export function isEmpty(interest: Interest): boolean {
  return (
    !interest.toolsListChanged &&
    !interest.promptsListChanged &&
    !interest.resourcesListChanged &&
    (interest.resourceSubscriptions?.length ?? 0) === 0 &&
    (interest.taskIds?.length ?? 0) === 0
  )
}

/** Everything that any of them wants to hear. */
export function unionOf(interests: readonly Interest[]): Interest {
  const uris = new Set<string>()
  const tasks = new Set<string>()
  for (const interest of interests) {
    for (const uri of interest.resourceSubscriptions ?? []) uris.add(uri)
    for (const id of interest.taskIds ?? []) tasks.add(id)
  }
  return {
    ...(interests.some((one) => one.toolsListChanged) ? { toolsListChanged: true } : {}),
    ...(interests.some((one) => one.promptsListChanged) ? { promptsListChanged: true } : {}),
    ...(interests.some((one) => one.resourcesListChanged) ? { resourcesListChanged: true } : {}),
    ...(uris.size > 0 ? { resourceSubscriptions: [...uris] } : {}),
    ...(tasks.size > 0 ? { taskIds: [...tasks] } : {}),
  }
}

/** Whether all that the one asks for is asked for by the other too. */
export function isWithin(interest: Interest, other: Interest): boolean {
  return JSON.stringify(unionOf([commonOf(interest, other)])) === JSON.stringify(unionOf([interest]))
}

/** What of an interest was accepted. */
export function commonOf(interest: Interest, accepted: Interest): Interest {
  const uris = interest.resourceSubscriptions?.filter((uri) => accepted.resourceSubscriptions?.includes(uri)) ?? []
  const tasks = interest.taskIds?.filter((id) => accepted.taskIds?.includes(id)) ?? []
  return {
    ...(interest.toolsListChanged && accepted.toolsListChanged ? { toolsListChanged: true } : {}),
    ...(interest.promptsListChanged && accepted.promptsListChanged ? { promptsListChanged: true } : {}),
    ...(interest.resourcesListChanged && accepted.resourcesListChanged ? { resourcesListChanged: true } : {}),
    ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
    ...(tasks.length > 0 ? { taskIds: tasks } : {}),
  }
}

/** What of an interest a server with these capabilities can be asked for. Many take subscriptions that do not announce it: all are asked. */
export function offeredOf(interest: Interest, capabilities: Readonly<Record<string, unknown>>): Interest {
  const has = (group: string, feature: string): boolean => {
    const offered = capabilities[group]
    return isObject(offered) && offered[feature] === true
  }
  const extensions = isObject(capabilities.extensions) ? capabilities.extensions : {}
  return unionOf([
    {
      toolsListChanged: has('tools', 'listChanged'),
      promptsListChanged: has('prompts', 'listChanged'),
      resourcesListChanged: has('resources', 'listChanged'),
      resourceSubscriptions: interest.resourceSubscriptions ?? [],
      taskIds: extensions[tasksExtension] === undefined ? [] : (interest.taskIds ?? []),
    },
  ])
}

/** An interest as it came over the wire. */
export function readInterest(value: unknown): Interest {
  if (!isObject(value)) return {}
  const strings = (list: unknown): string[] => (Array.isArray(list) ? list.filter((entry) => typeof entry === 'string') : [])
  return unionOf([
    {
      toolsListChanged: value.toolsListChanged === true,
      promptsListChanged: value.promptsListChanged === true,
      resourcesListChanged: value.resourcesListChanged === true,
      resourceSubscriptions: strings(value.resourceSubscriptions),
      taskIds: strings(value.taskIds),
    },
  ])
}

/** Whether a watcher with this interest hears the event. An update may name a resource below the one that was subscribed to. */
export function hears(interest: Interest, event: CallEvent): boolean {
  switch (event.kind) {
    case 'changed':
      if (event.list === 'tools') return interest.toolsListChanged === true
      return event.list === 'prompts' ? interest.promptsListChanged === true : interest.resourcesListChanged === true
    case 'updated':
      return interest.resourceSubscriptions?.some((uri) => event.uri === uri || event.uri.startsWith(`${uri}/`)) === true
    case 'extension': {
      const params = event.params.json()
      const id = isObject(params) ? (params.taskId ?? (isObject(params.task) ? params.task.taskId : undefined)) : undefined
      return interest.taskIds?.some((wanted) => wanted === id) === true
    }
    default:
      return false
  }
}
