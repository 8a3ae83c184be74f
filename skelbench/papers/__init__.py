"""Claims of papers that need no training: what they say, what we compute, and whether that agrees."""
