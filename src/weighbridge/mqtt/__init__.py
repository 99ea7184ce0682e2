"""What stands behind ``targets/mqtt.py``: topics, payloads and the connection to a broker.

``topics``, ``names``, ``sensors``, ``values``, ``discovery``, ``state``, ``event`` are pure; their
payloads were verified against real Home Assistant releases (MQTT reference, section 3).
"""
