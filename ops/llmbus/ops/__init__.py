"""What operators run: the `llmbus` command, and the queries behind it."""
