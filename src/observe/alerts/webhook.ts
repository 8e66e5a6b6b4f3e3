// Messages as JSON for programs, signed as Standard Webhooks says (https://www.standardwebhooks.com) where there is a secret.
import { createHmac } from 'node:crypto'
import { type Delivered, deliveredBy, type Message, type Output } from './output.ts'

export interface WebhookTarget {
  readonly url: string
  /** Text, or base64 after `whsec_`. */
  readonly secret?: string | undefined
}

/** Of the body: members are added, never changed, as long as it is the same. */
export const webhookVersion = 1

export function webhook(name: string, { url, secret }: WebhookTarget): Output {
  return {
    name,
    address: new URL(url).origin,
    send: async (message, guardedFetch, nowMs): Promise<Delivered> => {
      const body = webhookBody(message)
      const timestamp = String(Math.floor(nowMs / 1_000))
      const headers: Record<string, string> = {
        'content-type': 'application/json',
        'user-agent': 'signalbox',
        'webhook-id': message.id,
        'webhook-timestamp': timestamp,
      }
      if (secret !== undefined) headers['webhook-signature'] = signature(secret, message.id, timestamp, body)
      return deliveredBy(await guardedFetch(url, { method: 'POST', headers, body }))
    },
  }
}

export function webhookBody({ id, event, atMs, incident }: Message): string {
  return JSON.stringify({ version: webhookVersion, id, event, at: new Date(atMs).toISOString(), incident })
}

export function signature(secret: string, id: string, timestamp: string, body: string): string {
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice('whsec_'.length), 'base64') : Buffer.from(secret)
  return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
}
