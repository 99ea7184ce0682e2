"""Pages for people: who may see them, how they are made, and one folder for each subject."""
