// The style of the pages. No font, image or script is fetched from anywhere.

export const style = `:root {
  color-scheme: light dark;
  --sans: -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", system-ui, sans-serif;
  --mono: ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  --bg: #f5f5f2; --surface: #ffffff; --raised: #f0f0ec; --line: #dededa; --line-strong: #84847e;
  --text: #1a1c1e; --text-2: #4b4f54;
  --accent: #1a57a8; --accent-over: #14468a; --on-accent: #ffffff;
  --fault: #a1231a; --fault-bg: #fbeae8; --suspect: #7c4e00; --suspect-bg: #faf0da;
  --shadow: 0 1px 2px rgb(0 0 0 / .06), 0 8px 24px rgb(0 0 0 / .08);
}
@media (prefers-color-scheme: dark) {
  :root {
    --bg: #101214; --surface: #171a1d; --raised: #20242a; --line: #2d3339; --line-strong: #747c85;
    --text: #e7e9eb; --text-2: #b5bbc2;
    --accent: #86b5f4; --accent-over: #a5c8f8; --on-accent: #0c1522;
    --fault: #ff9e93; --fault-bg: #391e1b; --suspect: #efc063; --suspect-bg: #332810;
    --shadow: 0 1px 2px rgb(0 0 0 / .5), 0 8px 24px rgb(0 0 0 / .4);
  }
}
*, *::before, *::after { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--text); font: 15px/22px var(--sans); }
main {
  max-width: 440px; margin: clamp(16px, 10vh, 96px) auto 32px; padding: 28px 32px 32px; background: var(--surface);
  border: 1px solid var(--line); border-radius: 8px; box-shadow: var(--shadow);
}
.brand { display: flex; align-items: center; gap: 8px; margin: 0 0 24px; font-size: 13px; line-height: 20px; font-weight: 600; color: var(--text-2); }
.mark { width: 12px; height: 12px; border-radius: 50%; background: var(--accent); box-shadow: 0 0 0 3px var(--raised); }
h1 { margin: 0 0 8px; font-size: 20px; line-height: 28px; font-weight: 600; overflow-wrap: anywhere; }
h2 { margin: 24px 0 8px; font-size: 13px; line-height: 20px; font-weight: 600; color: var(--text-2); }
p { margin: 0 0 16px; }
.quiet { color: var(--text-2); font-size: 13px; line-height: 20px; }
label { display: block; margin: 16px 0 4px; font-size: 13px; line-height: 20px; font-weight: 500; }
input[type="text"], input[type="password"] {
  width: 100%; min-height: 40px; padding: 8px 10px; font: inherit; color: var(--text); background: var(--surface);
  border: 1px solid var(--line-strong); border-radius: 6px;
}
.hint { margin: 4px 0 0; color: var(--text-2); font-size: 13px; line-height: 20px; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.actions { display: flex; flex-wrap: wrap; gap: 12px; margin-top: 24px; }
.actions > * { flex: 1 1 140px; }
button, a.button {
  display: inline-flex; justify-content: center; align-items: center; min-height: 40px; padding: 8px 16px; font: inherit; font-weight: 600;
  color: var(--text); background: var(--surface); border: 1px solid var(--line-strong); border-radius: 6px; text-decoration: none; cursor: pointer;
}
button:hover, a.button:hover { background: var(--raised); }
button.main, a.button.main { color: var(--on-accent); background: var(--accent); border-color: var(--accent); }
button.main:hover, a.button.main:hover { background: var(--accent-over); border-color: var(--accent-over); }
.note { margin: 16px 0; padding: 10px 12px; border-radius: 6px; font-size: 13px; line-height: 20px; }
.note.fault { color: var(--fault); background: var(--fault-bg); }
.note.warning { color: var(--suspect); background: var(--suspect-bg); }
dl { margin: 16px 0 0; border-top: 1px solid var(--line); }
dl > div { display: grid; grid-template-columns: 112px 1fr; gap: 12px; padding: 10px 0; border-bottom: 1px solid var(--line); }
dt { color: var(--text-2); font-size: 13px; line-height: 22px; }
dd { margin: 0; min-width: 0; overflow-wrap: anywhere; }
code { font: 13px/20px var(--mono); overflow-wrap: anywhere; }
ul { margin: 0; padding: 0; list-style: none; }
li + li { margin-top: 2px; }
@media (max-width: 480px) {
  body { background: var(--surface); }
  main { margin: 0; padding: 24px 20px; border: 0; box-shadow: none; border-radius: 0; }
  dl > div { grid-template-columns: 1fr; gap: 0; }
}
@media (forced-colors: active) { .mark { background: CanvasText; } }
`
