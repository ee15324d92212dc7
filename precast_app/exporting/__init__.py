"""Files for people: exports, templates and annotated copies. What is exported can be imported again."""
