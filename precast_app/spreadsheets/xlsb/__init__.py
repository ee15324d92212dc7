"""Excel binary workbooks (.xlsb)."""
