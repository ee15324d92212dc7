"""One thing goes wrong at a random moment of an import, and nothing is lost."""
