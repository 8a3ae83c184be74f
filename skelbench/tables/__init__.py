"""Tables of measured architectures: their files, their statistics, and searches that are replayed on them.

Nothing here imports torch or nni.
"""
