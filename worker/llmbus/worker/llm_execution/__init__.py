"""The old system's programs: one task on stdin, one answer on stdout. Nothing is imported here."""
