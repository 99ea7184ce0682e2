"""Whether all is well: for machines that ask, and alerts for people."""
