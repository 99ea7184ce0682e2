"""The first page: a card for each person, which follows what happens."""
