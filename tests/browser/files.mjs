// Files in Talk, from the pick to the model: office files and PDFs whose words arrive, and those that mean harm or are broken, which say so.
// `job.documents` is the folder of real documents (tests/documents/files), `job.bomb` a ZIP bomb named as an office file, in base64.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { assert, equal, open } from "./lib.mjs";
import { choose, say } from "./talk.mjs";

const chip = (page, name) => page.locator(".compose .file").filter({ hasText: name });
const sent = (page, name) => page.locator(".msg.you .file").filter({ hasText: name });

async function attach(page, files) {
  await page.locator(".compose input[type=file]").setInputFiles(files);
  await page.waitForFunction((count) => {
    const rows = [...document.querySelectorAll(".compose .file")];
    return rows.length === count && !rows.some((row) => row.querySelector("progress") || row.textContent.includes("being read"));
  }, files.length);
}

export function fileJourneys({ ofOwner }) {
  return {
    "files: an office file, a sheet, slides and a PDF are read, asked about, found, taken back out": async (world, job) =>
      ofOwner(world, async (page) => {
        const at = (name) => join(job.documents, name);
        await open(page, `${job.url}/talk`);
        await choose(page, job.models.echo);
        await attach(page, [at("unstructured/fake_table.docx"), at("markitdown/test.xlsx"), at("unstructured/fake-power-point-table.pptx"), at("pdf20examples/Simple PDF 2.0 file.pdf")]);
        await chip(page, "test.xlsx").getByText(/2 sheets/).waitFor();
        await chip(page, "table.pptx").getByText(/one slide/).waitFor();
        await chip(page, "Simple PDF").getByText(/one page/).waitFor();
        equal(await page.locator(".compose .why").count(), 0, "files that could not be read");
        await say(page, "What do these four say?");
        await page.locator(".msg.it .foot").first().waitFor();
        const told = await page.locator(".msg.it .md").first().textContent();
        for (const words of ["Header Col 1", "Tangerine", "Hello", "What do these four say?"]) assert(told.includes(words), `the model was not told “${words}”: ${told.slice(0, 300)}`);
        const address = page.url();

        const saving = page.waitForEvent("download");
        await sent(page, "fake_table.docx").click();
        const saved = await saving;
        equal(saved.suggestedFilename(), "fake_table.docx", "the file's name");
        assert(Buffer.concat(await (await saved.createReadStream()).toArray()).equals(await readFile(at("unstructured/fake_table.docx"))), "the file that comes back is another");

        await page.keyboard.press("Control+k");
        await page.locator(".palette input").fill("tangerine");
        const hit = page.getByRole("option").filter({ hasText: "fake-power-point-table.pptx" });
        await hit.first().waitFor();
        equal(await hit.first().locator("mark").first().textContent(), "Tangerine", "what is marked");
        await hit.first().click();
        await page.waitForURL((url) => url.href.startsWith(address) && url.searchParams.has("at"));
      }),

    "files: a ZIP bomb, a broken and a locked one say why, and the message goes all the same": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/talk`);
        await choose(page, job.models.plain);
        await attach(page, [
          { name: "minutes.docx", mimeType: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", buffer: Buffer.from(job.bomb, "base64") },
          { name: "broken.pdf", mimeType: "application/pdf", buffer: Buffer.from("%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 9 0 R>>\nendobj\nxref\nnothing") },
          { name: "locked.pdf", mimeType: "application/pdf", buffer: await readFile(join(job.documents, "pdfminer/aes-256-r6.pdf")) },
          { name: "plain.txt", mimeType: "text/plain", buffer: Buffer.from("Oak, 12 boards") },
        ]);
        const why = async (name) => (await chip(page, name).locator(".why").textContent()) ?? "";
        equal(await page.locator(".compose .why.need").count(), 3, "files that say why they could not be read");
        const [bomb, broken, locked] = [await why("minutes.docx"), await why("broken.pdf"), await why("locked.pdf")];
        assert(/password/i.test(locked), `the locked one says: ${locked}`);
        assert(bomb && broken && new Set([bomb, broken, locked]).size === 3, `three faults, one sentence: ${bomb} | ${broken} | ${locked}`);
        await say(page, "Never mind those three");
        await page.locator(".msg.it .foot").first().waitFor();
        equal(await page.locator(".msg.you .file .why").count(), 3, "the same under the message");
        await page.reload();
        await sent(page, "minutes.docx").locator(".why").waitFor();
        await page.keyboard.press("Control+k");
        await page.locator("input[role=combobox]").fill("中文");
        await page.keyboard.press("Enter");
        await sent(page, "locked.pdf").getByText("密码").waitFor();
        for (const [name, words] of [["minutes.docx", "圈套"], ["broken.pdf", "损坏"]]) {
          const text = (await sent(page, name).locator(".why").textContent()) ?? "";
          assert(text.includes(words) && !/[a-z]{3}/.test(text), `in Chinese ${name} says: ${text}`);
        }
        await page.keyboard.press("Control+k");
        await page.locator("input[role=combobox]").fill("English");
        await page.keyboard.press("Enter");
        await sent(page, "locked.pdf").getByText("password").waitFor();
      }),

    "files: a picture is seen before it is sent, a wrong one is only named": async (world, job) =>
      ofOwner(world, async (page) => {
        await open(page, `${job.url}/talk`);
        const png = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==", "base64");
        await attach(page, [
          { name: "one.png", mimeType: "image/png", buffer: png },
          { name: "not.png", mimeType: "image/png", buffer: Buffer.from("<svg onload=alert(1)>") },
        ]);
        await chip(page, "one.png").locator("img").waitFor();
        await page.waitForFunction(() => document.querySelector(".compose .file img")?.naturalWidth === 1);
        equal(await chip(page, "not.png").locator("img").count(), 0, "pictures of what is none");
        for (const name of ["one.png", "not.png"]) await page.getByRole("button", { name: `Remove ${name}` }).click();
        await chip(page, "one.png").waitFor({ state: "detached" });
      }),
  };
}
