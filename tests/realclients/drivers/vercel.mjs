// Vercel AI SDK over three of its providers: CLIENT is openai-compatible, anthropic or google. The SDK runs the tool itself.
import { base, description, key, load, main, question, schema, turn, weather } from "./common.mjs";

const kind = process.env.CLIENT;
const { isStepCount, jsonSchema, stepCountIs, streamText, tool } = await load("ai");

async function provider() {
  if (kind === "anthropic") return (await load("@ai-sdk/anthropic")).createAnthropic({ baseURL: `${base}/v1`, apiKey: key });
  if (kind === "google") return (await load("@ai-sdk/google")).createGoogle({ baseURL: `${base}/v1beta`, apiKey: key });
  // As it comes, it asks for no usage in streams.
  return (await load("@ai-sdk/openai-compatible")).createOpenAICompatible({ name: "steward", baseURL: `${base}/v1`, apiKey: key });
}
const from = await provider();

await main(`@ai-sdk/${kind}`, async (model) => {
  let pieces = 0;
  let failure;
  const get_weather = tool({ description, inputSchema: jsonSchema(schema), execute: async ({ city }) => JSON.parse(weather(city)) });
  const result = streamText({
    model: from(model), system: "Answer briefly.", prompt: question, tools: { get_weather }, maxRetries: 0,
    stopWhen: (isStepCount ?? stepCountIs)(3), onError: ({ error }) => (failure = error),
  });
  for await (const part of result.fullStream) pieces += part.type.endsWith("-delta");
  if (failure) throw failure;
  const steps = await result.steps;
  return {
    turns: steps.map((one) => turn(one.text, one.toolCalls.map((call) => [call.toolName, call.input]), pieces, one.usage.inputTokens ?? null, one.usage.outputTokens ?? null)),
  };
});
