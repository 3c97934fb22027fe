"""`python -m llmbus.ops` is the `llmbus` command."""

from llmbus.ops.cli import main

main()
