"""Totals of a project that are kept in the database, so that an overview or a count doesn't read every piece."""
