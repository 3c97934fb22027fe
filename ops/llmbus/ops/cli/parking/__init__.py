"""`llmbus parking`: list, show, redrive and discard what nobody could deal with."""
