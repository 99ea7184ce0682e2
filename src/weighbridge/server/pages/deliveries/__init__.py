"""What went where and why, and what somebody decides about it."""
