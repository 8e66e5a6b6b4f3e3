// Messages for incoming webhooks of Slack, and of what takes the same (Mattermost, Rocket.Chat, Discord at `/slack`).
import { type Delivered, deliveredBy, type Message, type Output } from './output.ts'

const colours = { info: '#6c757d', warn: '#e0a800', critical: '#c82333' } as const
const good = '#28a745'
const openings = { opened: '', worse: 'Worse: ', reopened: 'Back again: ', reminder: 'Still: ', resolved: 'Over: ' } as const

export function slack(name: string, url: string): Output {
  return {
    name,
    // The rest of it is the secret.
    address: new URL(url).origin,
    send: async (message, guardedFetch): Promise<Delivered> =>
      deliveredBy(
        await guardedFetch(url, {
          method: 'POST',
          headers: { 'content-type': 'application/json', 'user-agent': 'signalbox' },
          body: slackBody(message),
        }),
      ),
  }
}

export function slackBody({ event, incident }: Message): string {
  const { severity, server, tool, caller, owner, text, since, closed, firstCall, deploy, id, runbook, kind } = incident
  const subject = server === undefined ? (caller ?? 'gateway') : tool === undefined ? server : `${server}/${tool}`
  const title = `${openings[event]}${severity} at ${subject}: ${kind}`
  const field = (name: string, value: string | undefined) =>
    value === undefined ? [] : [{ title: name, value: escaped(value), short: true }]
  return JSON.stringify({
    text: escaped(title),
    attachments: [
      {
        fallback: escaped(`${title}. ${text}`),
        color: event === 'resolved' ? good : colours[severity],
        text: escaped(text),
        // Nothing in texts of others is a link or markup.
        mrkdwn_in: [],
        fields: [
          ...field('since', since),
          ...field('until', closed),
          ...field('owner', owner),
          ...field('first call', firstCall),
          ...field('deploy', deploy === undefined ? undefined : `${deploy.what} at ${deploy.at}`),
          ...field('runbook', runbook),
        ],
        footer: `signalbox alerts ack ${id}`,
      },
    ],
  })
}

/** The three characters that Slack has a meaning for; and no text of others calls people (`@here`). */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('@', '@\u200b')
}
