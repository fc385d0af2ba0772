import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { html, Markup } from './markup.ts';

/** A whole page in the style of the reports: one file without scripts that loads nothing from elsewhere. `body` has an element `main`. */
export function htmlPage(title: string, skip: string, body: Markup): string {
  // With the line ends that a browser sees. Otherwise the digest would not match the style.
  const style = readFileSync(join(import.meta.dirname, 'page.css'), 'utf8').replaceAll('\r\n', '\n');
  const digest = createHash('sha256').update(style).digest('base64');
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'`;
  return html`<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${title}</title>
<style>${new Markup(style)}</style>
</head>
<body>
<a class="skip" href="#main">${skip}</a>
${body}
</body>
</html>
`.text;
}
