// Does in Chromium what the page offers beside playing: node list.mjs PAGE SECRET RTSP CHROMIUM. There are live/demo and a live/sound. RTSP is
// the URL of the first. It prints what it saw as JSON.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [address, secret, rtsp, executablePath] = process.argv.slice(2);
const profile = mkdtempSync(join(tmpdir(), "chromium-"));
const context = await chromium.launchPersistentContext(profile, {
  executablePath,
  headless: true,
  viewport: { width: 1280, height: 1000 },
  args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--autoplay-policy=no-user-gesture-required"],
});

const log = [];
let asked = []; // what was asked for, and when

const picturesOf = (name) => asked.filter((r) => r.path.startsWith("picture?") && r.path.endsWith("stream=" + name));
const height = (page) => page.locator("#streams").evaluate((list) => list.offsetHeight);

// guest sees what there is without having logged in, after the list was asked for some times.
async function guest(page) {
  asked = [];
  await page.reload();
  await page.locator("#log-in").waitFor();
  const lists = () => asked.filter((r) => r.path === "streams.json").length;
  while (lists() < 3) await page.waitForTimeout(100);
  return {
    asked: [...new Set(asked.map((r) => r.path))].filter((path) => !/^$|\.(m?js|css)$/.test(path)),
    shown: await page.locator("#pulls, .picture, #record").filter({ visible: true }).count(),
  };
}

async function login(page) {
  await page.locator("#log-in").click();
  await page.locator("#secret").fill("wrong");
  await page.locator("#login button").click();
  await page.getByText("That is not the secret.").waitFor();
  await page.locator("#secret").fill(secret);
  await page.locator("#login button").click();
  await page.locator("#pulls").waitFor();
}

// pictures waits for that of the one stream. The other has none.
async function pictures(page) {
  await page.locator(".picture").first().waitFor();
  const before = await height(page);
  const handle = await page.waitForFunction(() => { // it may go between two looks, as on a busy machine a picture may fail to come
    const canvas = document.querySelector("[data-name='live/demo'] .picture.there canvas");
    if (!canvas) return 0;
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), all = new Set();
    for (let i = 0; i < data.length; i += 4) all.add((data[i] >> 5) + "," + (data[i + 1] >> 5) + "," + (data[i + 2] >> 5));
    return all.size;
  });
  const colors = await handle.jsonValue();
  return { colors, jump: (await height(page)) - before, sound: await page.locator("[data-name='live/sound'] .picture.there").count() };
}

async function add(page, url, stream, keep) {
  await page.locator("#pulls [name=url]").fill(url);
  await page.locator("#pulls [name=stream]").fill(stream);
  if (keep) await page.locator("#pulls [name=keep]").check();
  await page.locator("#pulls [name=add]").click();
  await page.waitForFunction(() => !document.querySelector("#pulls [name=add]").disabled);
  return page.locator("#pulls [role=alert]").innerText();
}

const row = (page, name) => page.locator("#pulls li", { hasText: name });

// remove says no to the question first.
async function remove(page, name) {
  const questions = [];
  const answer = (yes) => page.once("dialog", (d) => { questions.push(d.message()); (yes ? d.accept() : d.dismiss()).catch(() => {}); });
  const button = page.getByRole("button", { name: "Remove the pull of " + name });
  answer(false);
  await button.click();
  const kept = await row(page, name).count();
  answer(true);
  await button.click();
  await row(page, name).waitFor({ state: "detached" });
  await page.locator("[data-name='" + name + "']").waitFor({ state: "detached" });
  return { kept, questions };
}

async function pulls(page) {
  const saw = {};
  await page.locator("#pulls summary").click();
  await page.getByText("Nothing is pulled.").waitFor();
  await page.locator("#pulls [name=url]").fill(rtsp + "?x=1");
  saw.suggested = await page.locator("#pulls [name=stream]").getAttribute("placeholder");
  saw.taken = await add(page, rtsp, "", false);
  saw.unknown = await add(page, "ftp://127.0.0.1/x", "x", false);
  saw.refused = await add(page, "rtmp://127.0.0.1:1/live/x", "x", false);
  saw.failedRows = await page.locator("#pulls li").count();
  saw.added = await add(page, rtsp.replace("//", "//user:canary@"), "copy", false);
  await row(page, "live/copy").getByText("Playing since").waitFor();
  await page.locator("[data-name='live/copy']").waitFor();
  saw.kept = await add(page, "rtmp://127.0.0.1:1/live/x", "later", true);
  await row(page, "live/later").getByText("Tried again").waitFor();
  saw.rows = (await page.locator("#pulls li").allInnerTexts()).map((text) => text.replace(/\s+/g, " "));
  saw.canary = (await page.content()).includes("canary");
  saw.removed = await remove(page, "live/copy");
  return saw;
}

try {
  const page = await context.newPage();
  page.setDefaultTimeout(60000);
  page.on("console", (m) => { if (m.type() === "error") log.push(m.text() + " " + m.location().url); });
  page.on("pageerror", (e) => log.push(String(e)));
  page.on("request", (r) => asked.push({ path: r.url().slice(address.length), at: performance.now() }));
  await page.goto(address);
  const saw = { guest: await guest(page) };
  await login(page);
  saw.pictures = await pictures(page);
  saw.pulls = await pulls(page);
  while (picturesOf("demo").length < 2) await page.waitForTimeout(200);
  const [first, second] = picturesOf("demo");
  saw.pictures.again = second.at - first.at;
  saw.pictures.ofSound = picturesOf("sound").length;
  saw.viewers = await page.locator("[data-name='live/demo'] small").last().innerText();
  console.log(JSON.stringify({ ...saw, log }));
} finally {
  await context.close();
  rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}
