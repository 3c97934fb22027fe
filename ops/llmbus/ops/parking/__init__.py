"""Parking for operators: look through it, send back, discard."""
