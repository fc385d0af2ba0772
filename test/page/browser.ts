import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import chromium from '@sparticuz/chromium';
import { type Browser, type Page, chromium as playwright } from 'playwright-core';

const probe = readFileSync(join(import.meta.dirname, 'in_page.js'), 'utf8');

/** A headless Chromium, or the reason why there is none here. */
export async function openBrowser(): Promise<Browser | string> {
  try {
    const executablePath = await chromium.executablePath();
    // Not the package's own flags: they switch off what this tests (web security) and end the browser with its first window.
    const args = ['--no-sandbox', '--no-zygote', '--disable-gpu', '--disable-dev-shm-usage'];
    return await playwright.launch({ executablePath, args, headless: true });
  } catch (error) {
    return error instanceof Error ? error.message.split('\n')[0] : String(error);
  }
}

/** A page in a window of its own. */
export class Visit {
  readonly page: Page;
  /** What the console, the policy and failing scripts said. */
  readonly complaints: readonly string[];
  /** Addresses that the page asked for, beside itself. */
  readonly requests: readonly string[];

  constructor(page: Page, complaints: readonly string[], requests: readonly string[]) {
    this.page = page;
    this.complaints = complaints;
    this.requests = requests;
  }

  /** What a function of `in_page.js` says. */
  ask<T>(call: string): Promise<T> {
    return this.page.evaluate(`probe.${call}`);
  }

  /** What an expression has for a value in the page. */
  value<T>(expression: string): Promise<T> {
    return this.page.evaluate(expression);
  }
}

/** Opens a file. */
export async function visit(
  browser: Browser,
  file: string,
  { width = 1280, height = 900, dark = false } = {},
): Promise<Visit> {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: dark ? 'dark' : 'light' });
  const page = await context.newPage();
  const complaints: string[] = [];
  const requests: string[] = [];
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('request', (request) => {
    if (request.url() !== `file://${file}`) requests.push(request.url());
  });
  await page.goto(`file://${file}`);
  await page.evaluate(probe);
  return new Visit(page, complaints, requests);
}
