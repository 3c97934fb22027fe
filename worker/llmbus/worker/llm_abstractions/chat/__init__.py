"""Reading the OpenAI chat format, in which every provider is asked. Needs no SDK."""
