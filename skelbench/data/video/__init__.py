"""Videos: what a reader lists, how files are looked into and decoded, and how clips become batches."""
