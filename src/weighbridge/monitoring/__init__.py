"""Whether all is well: for machines that ask, and for people who are told."""
