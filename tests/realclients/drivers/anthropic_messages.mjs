// @anthropic-ai/sdk (Node), Messages and countTokens.
import { base, description, expect, key, load, main, question, schema, turn, weather } from "./common.mjs";

const { default: Anthropic } = await load("@anthropic-ai/sdk");
const client = new Anthropic({ baseURL: base, apiKey: key, maxRetries: 0 });
const tools = [{ name: "get_weather", description, input_schema: schema }];
const system = [{ type: "text", text: "Answer briefly.", cache_control: { type: "ephemeral" } }];

async function ask(model, messages) {
  let pieces = 0;
  const stream = client.messages.stream({ model, max_tokens: 1024, system, messages, tools });
  stream.on("streamEvent", (event) => (pieces += event.type === "content_block_delta"));
  const answer = await stream.finalMessage();
  const text = answer.content.filter((one) => one.type === "text").map((one) => one.text).join("");
  const calls = answer.content.filter((one) => one.type === "tool_use");
  expect("stop_reason", calls.length ? "tool_use" : "end_turn", answer.stop_reason);
  const told = calls.map((one) => [one.name, one.input]);
  return [turn(text, told, pieces, answer.usage.input_tokens, answer.usage.output_tokens), answer, calls];
}

await main("@anthropic-ai/sdk", async (model) => {
  const messages = [{ role: "user", content: question }];
  const { input_tokens: counted } = await client.messages.countTokens({ model, system, messages, tools });
  const [first, answer, calls] = await ask(model, messages);
  const results = calls.map((one) => ({ type: "tool_result", tool_use_id: one.id, content: weather(one.input.city) }));
  const [last] = await ask(model, [...messages, { role: "assistant", content: answer.content }, { role: "user", content: results }]);
  return { turns: [first, last], counted };
});
