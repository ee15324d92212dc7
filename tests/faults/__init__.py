"""Faults at random moments of an import; nothing is lost."""
