// Tokens that are known by how they begin. Each is met at one byte of its beginning that is rare (`at`), and read from there.

export const maskRules = [
  'aws_access_key',
  'google_key',
  'azure_secret',
  'github_token',
  'gitlab_token',
  'slack_token',
  'stripe_key',
  'openai_key',
  'anthropic_key',
  'npm_token',
  'pypi_token',
  'huggingface_token',
  'other_token',
  'jwt',
  'private_key',
  'url_password',
  'bearer_token',
  'named_secret',
  'own_credential',
] as const

export type MaskRule = (typeof maskRules)[number]

export interface Form {
  readonly rule: MaskRule
  /** How it begins; its last byte is where it is met. */
  readonly prefix: string
  /** What follows. */
  readonly body: RegExp
  /** Bytes that follow it at most. */
  readonly most: number
}

const word = (rule: MaskRule, prefix: string, body: string, most = 255): Form => ({
  rule,
  prefix,
  body: new RegExp(`^${body}(?![A-Za-z0-9_-])`),
  most,
})

export const forms: readonly Form[] = [
  ...['ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_'].map((prefix) => word('github_token', prefix, '[A-Za-z0-9]{36,251}')),
  word('github_token', 'github_pat_', '[A-Za-z0-9]{22}_[A-Za-z0-9]{59}'),
  ...['glpat-', 'gloas-', 'gldt-', 'glrt-', 'glcbt-', 'glptt-', 'glft-', 'glimt-', 'glagent-', 'glsoat-'].map((prefix) =>
    word('gitlab_token', prefix, '[A-Za-z0-9_-]{20,200}(?:\\.[a-z0-9]{2}\\.[a-z0-9]{7,9})?'),
  ),
  ...['xoxb-', 'xoxp-', 'xoxa-', 'xoxr-', 'xoxs-', 'xoxe-', 'xapp-'].map((prefix) =>
    word('slack_token', prefix, '(?=[A-Za-z-]{0,40}[0-9])[A-Za-z0-9-]{24,250}'),
  ),
  word('stripe_key', 'sk_live_', '[A-Za-z0-9]{16,247}'),
  word('stripe_key', 'rk_live_', '[A-Za-z0-9]{16,247}'),
  word('stripe_key', 'whsec_', '[A-Za-z0-9+/]{32,}={0,2}'),
  word('anthropic_key', 'sk-', 'ant-[A-Za-z0-9_-]{32,250}'),
  word('openai_key', 'sk-', '(?:proj|svcacct|admin|None)-[A-Za-z0-9_-]{40,250}'),
  word('openai_key', 'sk-', '(?=[A-Za-z]{0,48}[0-9])(?=[a-z0-9]{0,48}[A-Z])[A-Za-z0-9]{40,64}'),
  word('other_token', 'sk-', 'or-v1-[a-f0-9]{64}'),
  word('npm_token', 'npm_', '[A-Za-z0-9]{36}'),
  word('pypi_token', 'pypi-', 'AgE[A-Za-z0-9_-]{60,250}', 512),
  word('huggingface_token', 'hf_', '[A-Za-z0-9]{34,40}'),
  word('google_key', 'GOCSPX-', '[A-Za-z0-9_-]{28}'),
  word('google_key', 'AIz', 'a[A-Za-z0-9_-]{35}'),
  word('google_key', 'ya29.', '[A-Za-z0-9_-]{20,400}', 512),
  word('aws_access_key', 'AKIA', '[A-Z2-7]{16}'),
  word('aws_access_key', 'ASIA', '[A-Z2-7]{16}'),
  word('other_token', 'SG.', '[A-Za-z0-9_-]{22}\\.[A-Za-z0-9_-]{43}'),
  word('other_token', 'hvs.', '[A-Za-z0-9_-]{24,200}'),
  word('other_token', 'dop_v1_', '[a-f0-9]{64}'),
  word('other_token', 'shpat_', '[a-fA-F0-9]{32}'),
  word('other_token', 'dckr_pat_', '[A-Za-z0-9_-]{27}'),
]
