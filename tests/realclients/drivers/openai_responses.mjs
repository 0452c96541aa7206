// openai (Node), Responses: the second turn names the first one's answer, at once.
import { base, description, expect, key, load, main, question, schema, turn, weather } from "./common.mjs";

const { default: OpenAI } = await load("openai");
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
const tools = [{ type: "function", name: "get_weather", description, parameters: schema, strict: true }];

async function ask(model, fields) {
  let pieces = 0;
  const stream = client.responses.stream({ model, tools, instructions: "Answer briefly.", ...fields });
  for await (const event of stream) pieces += event.type.endsWith(".delta");
  const answer = await stream.finalResponse();
  expect("status", "completed", answer.status);
  const calls = answer.output.filter((one) => one.type === "function_call");
  const told = calls.map((one) => [one.name, JSON.parse(one.arguments)]);
  return [turn(answer.output_text, told, pieces, answer.usage.input_tokens, answer.usage.output_tokens), answer, calls];
}

await main("openai", async (model) => {
  const [first, answer, calls] = await ask(model, { input: question, store: true });
  const results = calls.map((one) => ({ type: "function_call_output", call_id: one.call_id, output: weather(JSON.parse(one.arguments).city) }));
  const [last] = await ask(model, { input: results, previous_response_id: answer.id });
  return { turns: [first, last] };
});
