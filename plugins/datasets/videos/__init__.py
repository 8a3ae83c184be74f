"""Videos of one's own: a folder for each class."""
