// What the Node drivers share; see common.py. `npm` is the folder of the installed clients: a driver lies outside of it.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { BASE, KEY, MODELS, NPM } = process.env;
export const base = BASE;
export const key = KEY;
export const question = "What is the weather in Paris and Oslo? Do I need a coat?";
export const description = "The weather in a city";
export const schema = {
  type: "object",
  properties: { city: { type: "string" }, unit: { type: "string", enum: ["celsius", "fahrenheit"] } },
  required: ["city", "unit"],
  additionalProperties: false,
};
export const weather = (city) => JSON.stringify({ city, degrees: { Paris: 18, Oslo: 7 }[city] });

export async function load(name) {
  const inside = JSON.parse(readFileSync(`${NPM}/node_modules/${name}/package.json`));
  const entry = inside.exports?.["."]?.import ?? inside.module ?? inside.main;
  const path = typeof entry === "string" ? entry : (entry?.default ?? createRequire(`${NPM}/`).resolve(name));
  return import(pathToFileURL(path.startsWith("/") ? path : `${NPM}/node_modules/${name}/${path}`));
}

export const turn = (text, calls, pieces, usageIn, usageOut) => ({
  text,
  calls: calls.map(([name, args]) => ({ name, arguments: args })),
  pieces,
  usage: { in: usageIn, out: usageOut },
});

export function expect(what, wanted, got) {
  if (wanted !== got) throw new Error(`${what}: ${wanted} was expected, ${got} came`);
}

// One line a model; what the library throws is told as it threw it.
export async function main(name, conversation) {
  const { version } = JSON.parse(readFileSync(`${NPM}/node_modules/${name}/package.json`));
  for (const model of MODELS.split(",")) {
    let told;
    try {
      told = await conversation(model);
    } catch (error) {
      told = { error: `${error.name}: ${error.message}`.slice(0, 1500), trace: String(error.stack).slice(0, 1500) };
    }
    console.log(JSON.stringify({ model, package: name, version, ...told }));
  }
}
