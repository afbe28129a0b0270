// Takes one turn: node turn.mjs CLAUDE PROMPT
import { query } from "@anthropic-ai/claude-agent-sdk";

const [pathToClaudeCodeExecutable, prompt] = process.argv.slice(2);
const options = { pathToClaudeCodeExecutable, settingSources: ["user"], maxTurns: 1 };
for await (const message of query({ prompt, options })) {
  if (message.type === "result") console.log(message.result ?? message.subtype);
}
