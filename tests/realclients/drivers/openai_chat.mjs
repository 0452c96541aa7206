// openai (Node), Chat Completions.
import { base, description, expect, key, load, main, question, schema, turn, weather } from "./common.mjs";

const { default: OpenAI } = await load("openai");
const client = new OpenAI({ baseURL: `${base}/v1`, apiKey: key, maxRetries: 0 });
const tools = [{ type: "function", function: { name: "get_weather", description, parameters: schema } }];

async function ask(model, messages) {
  let pieces = 0;
  const stream = client.chat.completions.stream({ model, messages, tools, stream_options: { include_usage: true } });
  stream.on("chunk", () => pieces++);
  const { choices, usage } = await stream.finalChatCompletion();
  const { message, finish_reason } = choices[0];
  const calls = message.tool_calls ?? [];
  expect("finish_reason", calls.length ? "tool_calls" : "stop", finish_reason);
  const told = calls.map((one) => [one.function.name, JSON.parse(one.function.arguments)]);
  return [turn(message.content ?? "", told, pieces, usage.prompt_tokens, usage.completion_tokens), message];
}

await main("openai", async (model) => {
  const messages = [{ role: "developer", content: "Answer briefly." }, { role: "user", content: question }];
  const [first, message] = await ask(model, messages);
  const results = message.tool_calls.map((one) => ({
    role: "tool", tool_call_id: one.id, content: weather(JSON.parse(one.function.arguments).city),
  }));
  const [last] = await ask(model, [...messages, message, ...results]);
  return { turns: [first, last] };
});
