"""What ``weighbridge serve`` does: jobs for one person at a time, and when they are due."""
