// node driver.mjs TASK: reads a job (one line of JSON) from standard input and ends with one line of JSON. In between it may ask for the
// server to be stopped or started ("@stop", "@start"), which whoever started it answers with a line.
import { createInterface } from "node:readline";
import { launch } from "./lib.mjs";

const TASKS = {
  journeys: () => import("./journeys.mjs"),
  look: () => import("./look.mjs"),
  xss: () => import("./xss.mjs"),
  weight: () => import("./weight.mjs"),
  pace: () => import("./pace.mjs"),
};

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const nextLine = async () => (await lines.next()).value;
const control = async (word) => {
  process.stdout.write(`@${word}\n`);
  if ((await nextLine()) !== "done") throw new Error(`the server could not be told to ${word}`);
};

const task = process.argv[2];
const job = JSON.parse(await nextLine());
const browser = await launch();
let answer;
try {
  answer = await (await TASKS[task]()).run(browser, { ...job, control });
} finally {
  await browser.close();
}
// A pipe takes a long answer piece by piece: the end waits for the last.
process.stdout.write(`${JSON.stringify(answer)}\n`, () => process.exit(0));
