"""What is read out of the database: queries for the API and the pages. Nothing here changes anything."""
