"""One person's account at Garmin Connect: signing in, tokens, writing and reading back.

``targets/garmin.py`` is the target; this package stands behind it. Only ``adapter.py`` knows the
library ``garminconnect``, so that it can be replaced.
"""
