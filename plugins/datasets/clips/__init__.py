"""Any small videos in one npz file."""
