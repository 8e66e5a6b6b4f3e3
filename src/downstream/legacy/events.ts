// Events of a call as the notifications of a legacy client, each on one line.

import type { CallEvent } from '../../core/call/exchange.ts'
import { type Payload, payloadOf } from '../../core/call/payload.ts'
import { isObject } from '../../core/protocol/is-object.ts'
import { notificationBytes } from '../../core/protocol/jsonrpc.ts'
import { metaKey } from '../../core/protocol/names.ts'
import { oneLine } from '../modern/line.ts'

/** `progress` of a progress notification; NaN where it has none. */
export function progressOf(params: Payload): number {
  const value = params.json()
  return isObject(value) && typeof value.progress === 'number' ? value.progress : Number.NaN
}

/** The notification of an event, on one line. */
export function eventBytes(event: CallEvent, progressToken?: string): Buffer {
  switch (event.kind) {
    case 'progress':
      return notification('notifications/progress', event.params.edit([{ path: ['progressToken'], value: progressToken }]))
    case 'log':
      return notification('notifications/message', event.params)
    case 'changed':
      return notificationBytes(`notifications/${event.list}/list_changed`, undefined)
    case 'updated': {
      const edits = [
        { path: ['uri'], value: JSON.stringify(event.uri) },
        { path: ['_meta', metaKey.subscriptionId], value: undefined },
      ]
      return notification('notifications/resources/updated', event.params.edit(edits))
    }
    case 'extension':
      return notification(event.method, event.params.edit([{ path: ['_meta', metaKey.subscriptionId], value: undefined }]))
    case 'acknowledged':
      return notification('notifications/subscriptions/acknowledged', payloadOf({ notifications: event.notifications }))
  }
}

function notification(method: string, params: Payload): Buffer {
  return oneLine(notificationBytes(method, params.bytes))
}
