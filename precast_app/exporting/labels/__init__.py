"""Labels of pieces as PDF files."""
