import { expect, it } from 'vitest'
import { KnownValues } from '../core/secrets/known-values.ts'
import { Redaction } from '../core/secrets/redaction.ts'
import { alertSecrets } from './alerting.ts'
import { settingsSchema } from './settings.ts'
import { shownSettings } from './shown-settings.ts'

it('shows who is told of incidents, and not what lets one post there', () => {
  const settings = settingsSchema.parse({
    alerts: {
      webhook: ['https://hooks.example/signalbox', { url: 'https://hooks.example/in?key=k1k1', secret: '0123456789abcdef' }],
      slack: 'https://hooks.slack.example/services/T0/B0/x0x0',
      alertmanager: ['http://alertmanager:9093', 'https://a:b1b1b1b1@am.example/x'],
    },
  })
  const redaction = new Redaction({ keys: [], patterns: [] }, [KnownValues.of(alertSecrets(settings.alerts))])
  const hidden = '[redacted:configured]'
  expect(shownSettings(settings, redaction).alerts).toEqual({
    webhook: [{ url: 'https://hooks.example/signalbox' }, { url: `https://hooks.example/${hidden}`, secret: hidden }],
    slack: [hidden],
    alertmanager: ['http://alertmanager:9093', `https://am.example/${hidden}`],
  })
  expect(redaction.recognised('POST https://hooks.slack.example/services/T0/B0/x0x0 failed')).not.toContain('x0x0')
})
