"""Print the answers in a file that `llmbus run --results FILE` has written."""

import json
import sys
import textwrap
from pathlib import Path


def main() -> None:
    for line in Path(sys.argv[1]).read_text().splitlines():
        result = json.loads(line)
        metadata = result.get("metadata") or {}
        usage = result.get("usage") or {}
        answered = f"{metadata.get('provider')} {metadata.get('model')}"
        tokens = f"{usage.get('input_tokens')} + {usage.get('output_tokens')} tokens"
        print(f"\n{result['task_id']} ({answered}, {tokens})")
        print(textwrap.indent(result.get("output") or result.get("error") or "", "    ").rstrip())


if __name__ == "__main__":
    main()
