"""Takes one turn: python3 turn.py CLAUDE PROMPT"""

import asyncio
import sys

from claude_agent_sdk import ClaudeAgentOptions, ResultMessage, query


async def main(cli_path: str, prompt: str) -> None:
    options = ClaudeAgentOptions(cli_path=cli_path, setting_sources=["user"], max_turns=1)
    async for message in query(prompt=prompt, options=options):
        if isinstance(message, ResultMessage):
            print(message.result or message.subtype)


asyncio.run(main(*sys.argv[1:]))
