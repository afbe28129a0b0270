// Signs in with Chromium and prints, as JSON, the last page and every URL that was requested.
//
//     node browser.mjs OPTIONS

import { chromium } from 'playwright-core';

const options = JSON.parse(process.argv[2]);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  // Chromium has no sandbox for root.
  args: ['--no-sandbox', '--disable-gpu'],
});
const context = await browser.newContext({
  colorScheme: options.scheme,
  ignoreHTTPSErrors: true,
  viewport: { width: 800, height: 600 },
});
const page = await context.newPage();
page.setDefaultTimeout(options.timeout);
const requests = [];
context.on('request', (request) => requests.push(request.url()));
await page.goto(options.url);
await page.screenshot({ path: `${options.screenshots}-login.png` });
await page.getByLabel('User').fill(options.user);
await page.getByLabel('Password').fill(options.password);
await page.getByRole('button', { name: 'Sign in' }).click();
await page.waitForURL(`${options.redirect}**`);
await page.screenshot({ path: `${options.screenshots}-end.png` });
const text = await page.locator('body').innerText();
console.log(JSON.stringify({ url: page.url(), text, requests }));
await browser.close();
