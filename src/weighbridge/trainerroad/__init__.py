"""What stands behind ``targets/trainerroad.py``: the web application's own interface.

    wire      one HTTP request, its answer, and what a broken connection means
    answers   statuses and what follows from them; pure
    profile   who is signed in, and the profile with the weight; pure
    account   one person's account: prove, read, write, read back
    sign_in   password or cookie become a session

There is no public interface; the facts come from section 3 of the targets reference. It broke six
times from 2022 to 2026, so nothing here requires a field besides the one that is changed, and
whatever is received is sent back as it was.
"""
