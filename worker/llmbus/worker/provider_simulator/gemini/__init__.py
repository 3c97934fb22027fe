"""Gemini's generateContent, as the simulator speaks it."""
