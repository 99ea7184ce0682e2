"""The pages in a real browser: a household of four, the real server, the sandbox's clouds."""
