// Drives the console in a real browser as a person would: signs in, looks at
// every page at 1440 and 390 pixels, searches, opens an event in place, opens an
// alert, acknowledges it by key and leaves a note. Run against a program that
// has events and at least one new alert:
//
//   BASE_URL=http://127.0.0.1:8080 USER_NAME=admin PASSWORD=... SHOTS=/tmp/shots node e2e.mjs
//
// or, on a fresh program, SETUP_URL=<the one-time link> instead of an account.
// CHROMIUM names the browser (default /usr/bin/chromium). It exits with 1 when a
// step fails, a page logs an error, the Content-Security-Policy is violated, a
// request leaves 127.0.0.1, or a page is wider than its window.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const env = process.env;
const base = (env.BASE_URL || (env.SETUP_URL && new URL(env.SETUP_URL).origin) || "").replace(/\/$/, "");
const user = env.USER_NAME || env.EMAIL || "";
const password = env.PASSWORD || "";
if (!base || !password || !user) {
  console.error("set BASE_URL (or SETUP_URL), USER_NAME and PASSWORD");
  process.exit(2);
}
const shots = env.SHOTS || "shots";
mkdirSync(shots, { recursive: true });

const problems = [];
const problem = (text) => { problems.push(text); console.error("FAIL " + text); };
const check = (ok, text) => { if (!ok) throw new Error(text); };

const browser = await chromium.launch({
  executablePath: env.CHROMIUM || "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"],
});
let expected = 0; // a status that the page being opened is meant to have

async function newPage(context) {
  await context.addInitScript(() => document.addEventListener("securitypolicyviolation", (e) => console.error("CSP violation: " + e.violatedDirective + " " + e.blockedURI)));
  const page = await context.newPage();
  page.setDefaultTimeout(15000);
  page.on("console", (m) => {
    if (m.type() === "error" && !(expected && m.text().includes("status of " + expected))) problem(`${page.url()}: console: ${m.text()}`);
  });
  page.on("pageerror", (e) => problem(`${page.url()}: ${e.message}`));
  page.on("request", (r) => {
    const u = new URL(r.url());
    if (u.protocol.startsWith("http") && !["127.0.0.1", "localhost"].includes(u.hostname)) problem(`a request left the machine: ${r.url()}`);
  });
  return page;
}

async function shot(page, name) {
  const fits = await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth);
  if (!fits) problem(`${name}: the page is wider than its window`);
  await page.screenshot({ path: join(shots, name + ".png"), fullPage: true });
}

async function open(page, path, status = 200) {
  expected = status === 200 ? 0 : status;
  const answer = await page.goto(base + path, { waitUntil: "networkidle" });
  check(answer.status() === status, `${path} answered ${answer.status()}, want ${status}`);
  expected = 0;
}

async function signIn(page) {
  if (env.SETUP_URL) {
    await page.goto(env.SETUP_URL);
    await page.fill("input[name=name]", user);
    for (const name of ["password", "again"]) await page.fill(`input[name=${name}]`, password);
    delete env.SETUP_URL;
  } else {
    await open(page, "/alerts"); // must ask for a sign-in, and come back here
    await page.fill("input[name=name]", user);
    await page.fill("input[name=password]", password);
  }
  await Promise.all([page.waitForNavigation(), page.click("button.primary")]);
  check(await page.locator("nav.nav").count() === 1, "signing in did not lead to a page with the navigation");
}

// look takes a picture of every page.
async function look(page, tag) {
  for (const [name, path, status] of [
    ["overview", "/"], ["alerts", "/alerts"], ["alerts-none", "/alerts?q=zzzzzz"], ["search", "/search?range=24h"],
    ["search-none", "/search?q=zzzzzzzz"], ["search-mistake", "/search?q=" + encodeURIComponent('sorce.ip == "10.1.2.3" && event.action == "deny"'), 422],
    ["search-live", "/search?range=15m&live=1"], ["sql", "/sql"],
    ["sql-answer", "/sql?range=24h&q=" + encodeURIComponent('SELECT "event.dataset", count(*) n, max("@timestamp") FROM events GROUP BY ALL ORDER BY n DESC')],
    ["sql-mistake", "/sql?q=" + encodeURIComponent("SELECT *\nFROM read_parquet('/etc/passwd')"), 422],
    ["status", "/status"], ["password", "/password"], ["users", "/users"], ["notfound", "/no-such-page", 404],
  ]) {
    await open(page, path, status);
    await shot(page, `${tag}-${name}`);
  }
  await open(page, "/alerts?state=all");
  const alert = await page.locator("a[data-row]").first().getAttribute("href");
  await open(page, alert);
  await shot(page, `${tag}-alert`);
  await page.click("details.decide > summary");
  await shot(page, `${tag}-alert-close`);
  await open(page, "/search?range=7d");
  const event = await page.locator("a[data-panel]").first().getAttribute("href");
  await open(page, event);
  await shot(page, `${tag}-event`);
}

// keep saves a search by keyboard, opens it again and downloads it.
async function keep(page) {
  await open(page, "/search?range=24h&q=" + encodeURIComponent('event.action == "deny"'));
  await page.locator("details.tool > summary").first().press("Enter");
  await page.fill(".tool input[name=name]", "拒否された通信");
  await Promise.all([page.waitForNavigation(), page.locator(".tool button[value=save]").press("Enter")]);
  await page.locator("details.tool > summary").first().press("Enter");
  await shot(page, "work-kept");
  check(await page.locator(".kept a").count() > 0, "the search that was kept is not offered");
  await page.locator("details.tool > summary").nth(1).press("Enter");
  await shot(page, "work-download");
  const answer = await page.request.get(base + await page.locator(".tool a[download]").first().getAttribute("href"));
  check(answer.status() === 200 && (await answer.text()).includes("deny"), "the download has no events");
}

// work does what an analyst does.
async function work(page) {
  await keep(page);
  await open(page, "/search?range=7d");
  await page.locator(".fields details.field").first().waitFor();
  check(await page.locator(".histogram a").count() > 0, "the histogram has no bars");
  await page.keyboard.press("j");
  await page.keyboard.press("Enter");
  await page.locator("tr.opened:not([hidden]) article").first().waitFor();
  await shot(page, "work-panel");
  await page.keyboard.press("Enter");
  check(await page.locator("tr.opened:not([hidden])").count() === 0, "a second Enter does not close the panel");
  await page.keyboard.press("/");
  check(await page.evaluate(() => document.activeElement.name === "q"), "/ does not go to the search box");
  // How many events there are changes while new ones arrive.
  const found = async () => Number((await page.locator("p.lead").innerText()).replace(/[,，]/g, "").match(/\d+/)[0]);
  const everything = page.url();
  await Promise.all([page.waitForNavigation(), page.locator(".fields details.field a").first().click()]);
  check(page.url().includes("%3D%3D"), "a value clicked does not become a condition");
  check(await found() > 0, "a value that was counted is not found");
  await page.goBack({ waitUntil: "networkidle" });
  check(page.url() === everything && await found() > 0, "back does not lead back");
  const box = await page.locator(".histogram svg").boundingBox();
  await page.mouse.move(box.x + box.width * 0.3, box.y + 20);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 30, { steps: 5 });
  await Promise.all([page.waitForNavigation(), page.mouse.up()]);
  check(page.url().includes("from="), "dragging over the histogram does not choose a range");

  await open(page, "/alerts?state=new");
  check(await page.locator("a[data-row]").count() > 0, "there is no new alert to work on");
  await page.keyboard.press("j");
  await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
  const before = await page.locator(".history > li").count();
  await Promise.all([page.waitForNavigation(), page.keyboard.press("a")]);
  check(await page.locator(".flash").count() === 1, "acknowledging does not say that it is done");
  check(await page.locator("[data-key=a]").count() === 0, "an acknowledged alert can be acknowledged again");
  await page.fill("form.comment textarea", "e2e: 電話で確認しました");
  await Promise.all([page.waitForNavigation(), page.click("form.comment button")]);
  check(await page.locator(".history > li").count() === before + 2, "the history did not grow by two entries");
  await shot(page, "work-acknowledged");
  await page.keyboard.press("?");
  check(await page.locator("dialog#keys[open]").count() === 1, "? does not show the keys");
  await page.keyboard.press("Escape");
}

try {
  const wide = await newPage(await browser.newContext({ viewport: { width: 1440, height: 900 }, locale: "ja-JP" }));
  if (!env.SETUP_URL) {
    await open(wide, "/signin");
    await shot(wide, "1440-signin");
  }
  await signIn(wide);
  await look(wide, "1440");
  await work(wide);
  const narrow = await newPage(await browser.newContext({ viewport: { width: 390, height: 844 }, locale: "ja-JP", hasTouch: true, isMobile: true, deviceScaleFactor: 2 }));
  await open(narrow, "/signin");
  await shot(narrow, "390-signin");
  await signIn(narrow);
  await look(narrow, "390");
  await open(wide, "/?lang=en");
  check(await wide.getAttribute("html", "lang") === "en", "?lang=en does not switch the language");
  await shot(wide, "1440-overview-en");
  await open(wide, "/?lang=ja");
  await Promise.all([wide.waitForNavigation(), wide.locator("form[action='/signout'] button").evaluate((b) => b.click())]);
  check(wide.url().includes("/signin"), "signing out does not lead to the sign-in page");
} catch (e) {
  problem(e.stack || String(e));
} finally {
  await browser.close();
}
console.log(problems.length ? `${problems.length} problems` : `all good; pictures in ${shots}`);
process.exit(problems.length ? 1 : 0);
