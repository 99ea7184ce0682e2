"""The command ``withings-sync`` with its names, options and files, on the pipeline of Weighbridge.

command           the entry point
command_line      its arguments
one_run           one run, from the options to the exit code
run_plan          the person, the user names and passwords, the targets and the days of a run
terminal_consent  the consent at Withings, at a terminal
upload            the pipeline, with one sign-in at a target that has no usable session
output_files      the files that it writes
named_values      its JSON
state_import      where the original keeps its files; its logins and days, taken over once
"""
