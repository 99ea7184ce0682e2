"""The state of the programs that Weighbridge replaces. Their files are read and never changed.

places          where withings-sync keeps its files
withings_sync   its login at Withings, its Garmin session, its days
trumpet         a folder of refresh tokens
"""
