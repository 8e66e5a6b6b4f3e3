// The servers whose releases are judged, and the releases: consecutive ones, as the registry has them.
const reference = (name, versions, more = {}) => ({ package: `@modelcontextprotocol/server-${name}`, versions, ...more })

const list = (text) => text.trim().split(/\s+/)

export const servers = [
  reference(
    'everything',
    list(`0.6.2 2025.1.14 2025.3.19 2025.4.8 2025.4.28 2025.5.12 2025.7.1 2025.7.29 2025.8.4 2025.8.18 2025.9.12 2025.9.25 2025.11.25
      2025.12.18 2026.1.14 2026.1.26 2026.7.4 2026.8.18 2026.8.31`),
  ),
  reference(
    'filesystem',
    list(`0.5.1 0.6.2 2.0.1 2025.1.14 2025.3.28 2025.7.1 2025.7.29 2025.8.18 2025.8.21 2025.11.25 2025.12.18 2026.1.14 2026.7.4 2026.7.10
      2026.8.31`),
    { arguments: (home) => [home] },
  ),
  reference('memory', list('0.6.2 2025.4.25 2025.8.4 2025.9.25 2025.11.25 2026.1.26 2026.7.4 2026.8.31')),
  reference('sequential-thinking', list('0.6.2 2025.7.1 2025.11.25 2025.12.18 2026.7.4 2026.8.31')),
  reference('github', list('0.6.2 2025.1.23 2025.3.19 2025.3.28 2025.4.8'), { env: { GITHUB_PERSONAL_ACCESS_TOKEN: 'none' } }),
  {
    package: '@playwright/mcp',
    versions: list(
      '0.0.62 0.0.63 0.0.64 0.0.68 0.0.69 0.0.70 0.0.71 0.0.72 0.0.73 0.0.74 0.0.75 0.0.76 0.0.77 0.0.78 0.0.79 0.0.80 0.0.81 0.0.82 0.0.83',
    ),
  },
  {
    package: 'chrome-devtools-mcp',
    versions: list(`0.16.0 0.17.0 0.18.0 0.19.0 0.20.0 0.21.0 0.22.0 0.23.0 0.24.0 0.25.0 0.26.0 1.0.1 1.1.0 1.2.0 1.3.0 1.4.0 1.5.0 1.6.0
      1.7.0 1.8.0 1.9.0 1.10.1 1.11.0`),
    arguments: () => ['--no-usage-statistics'],
  },
  {
    package: '@upstash/context7-mcp',
    versions: list(`1.0.0 1.0.7 1.0.14 1.0.20 1.0.27 1.0.33 2.0.0 2.1.0 2.2.0 2.3.0 3.0.0 3.1.0 3.2.0 3.2.5 4.0.0 4.0.7 4.1.0 4.1.1`),
  },
]
