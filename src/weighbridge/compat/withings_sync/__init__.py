"""Commands of other programs, with their names and options, that run on the same road.

withings_sync   the command of that name; everything else here stands beside it
options         its command line
credentials     user names and passwords: secret files, environment, arguments
settings        what it was told, as settings of Weighbridge
consent         the sign-in at Withings, at a terminal
sign_in         one sign-in at a target, when there is no usable session
upload          the road, with these sign-ins
span            which readings a run is about
output          the files it writes
named_values    its JSON
"""
