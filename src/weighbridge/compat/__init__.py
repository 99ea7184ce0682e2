"""The programs that Weighbridge replaces: their commands, and their state, which is read and never
changed.

withings_sync   the command of that name, and the import of its files
trumpet         the import of a folder of refresh tokens
"""
