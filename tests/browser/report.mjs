// Opens the page of `admit matrix --format html` in Chromium and uses it as people do: search, who, click, keys, print.
// node report.mjs PAGE [SCREENSHOTS]. Fails with what is not as it should be.
import { chromium } from "playwright-core";
import assert from "node:assert/strict";
import { pathToFileURL } from "node:url";
import { existsSync } from "node:fs";

const [page_file, shots] = process.argv.slice(2);
const executablePath = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find(existsSync);
assert(executablePath, "there is no Chromium: run install.sh");
const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-gpu", "--no-first-run"] });
try {
  const page = await browser.newPage();
  const errors = [], requests = [];
  page.on("pageerror", error => errors.push(String(error)));
  page.on("console", message => message.type() === "error" && errors.push(message.text()));
  page.on("request", request => requests.push(request.url()));
  for (const [name, width, height] of [["phone", 360, 740], ["tablet", 800, 1000], ["desktop", 1280, 900]]) {
    await page.setViewportSize({ width, height });
    await page.goto(pathToFileURL(page_file).href);
    const over = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
    assert(over <= 0, `${name}: the page is ${over} pixels wider than the screen`);
    if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true });
  }
  const shown = () => page.locator("section:visible").count();
  const all = await shown();
  assert(all > 1, "the page shows its resources");

  await page.fill("#search", "article");
  assert(await shown() < all && await shown() > 0, "the search narrows");
  assert.match(await page.textContent("#count"), new RegExp(`^${await shown()} of ${all} shown$`));
  await page.fill("#search", "no such thing");
  assert.equal(await shown(), 0);
  await page.fill("#search", "");

  await page.selectOption("#who", "group EDITORS");
  const rows = await page.locator("tbody tr:visible th").allTextContents();
  assert(rows.length > 0 && rows.every(row => row.includes("EDITORS") || row.includes("signed in")), String(rows));
  await page.selectOption("#who", "");
  assert.equal(await shown(), all);

  const cell = page.locator("td button").first();
  await cell.click();
  assert(await page.locator("dialog").isVisible(), "a click opens the rules");
  assert.match(await page.textContent("dialog"), /allow\.[^]*\.policy:\d+/);
  if (shots) await page.screenshot({ path: `${shots}/rules.png` });
  await page.keyboard.press("Escape");
  assert(!await page.locator("dialog").isVisible(), "Escape closes them");

  await cell.focus();
  await page.keyboard.press("ArrowRight");
  const label = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert.notEqual(await label(), await cell.getAttribute("aria-label"), "an arrow key goes to the next cell");
  await page.keyboard.press("Enter");
  assert(await page.locator("dialog").isVisible(), "Enter opens the rules");
  assert.equal(await page.textContent("dialog h2"), await page.evaluate(() => document.getElementById("detail-title").textContent));
  await page.keyboard.press("Escape");

  await page.emulateMedia({ media: "print" });
  assert(!await page.locator("#search").isVisible(), "controls are not printed");
  if (shots) await page.screenshot({ path: `${shots}/print.png`, fullPage: true });
  await page.emulateMedia({ media: "screen", colorScheme: "dark" });
  if (shots) await page.screenshot({ path: `${shots}/dark.png`, fullPage: true });

  assert.deepEqual(errors, []);
  assert(requests.every(url => url.startsWith("file:")), `the page asks the network: ${requests}`);
  console.log(`${all} resources, searched, filtered, opened, printed`);
} finally {
  await browser.close();
}
