"""What a new revision of a file means for the project: what it lacks, and what it probably renames."""
