"""OpenAI's Chat Completions and Responses, as the simulator speaks them."""
