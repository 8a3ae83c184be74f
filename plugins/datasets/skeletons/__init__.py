"""Skeletons of one's own: any layout, any classes, in files as they are."""
